//! Renders a kernel's WGSL: unrolled, with the shared parts included, for one specialisation.

use super::half::halved;
use super::words::in_words;
use super::{Kernel, Spec};
use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use thiserror::Error;

/// A template that does not render: a defect of this crate, never of a model.
#[derive(Debug, Error)]
#[error("kernel {kernel} with {spec:?} does not render: {source}")]
pub struct TemplateError {
    kernel: &'static str,
    spec: Spec,
    source: minijinja::Error,
}

/// The parts that kernels import, by the name they import them under.
static SHARED: &[(&str, &str)] = &[
    ("optimise", include_str!("../../shaders/shared/optimise.wgsl")),
    ("batch_norm", include_str!("../../shaders/shared/batch_norm.wgsl")),
    ("live", include_str!("../../shaders/shared/live.wgsl")),
    ("activation", include_str!("../../shaders/shared/activation.wgsl")),
    ("activation_gradient", include_str!("../../shaders/shared/activation_gradient.wgsl")),
    ("bounded", include_str!("../../shaders/shared/bounded.wgsl")),
    ("broadcast", include_str!("../../shaders/shared/broadcast.wgsl")),
    ("extreme", include_str!("../../shaders/shared/extreme.wgsl")),
    ("erf", include_str!("../../shaders/shared/erf.wgsl")),
    ("element", include_str!("../../shaders/shared/element.wgsl")),
    ("quotient", include_str!("../../shaders/shared/quotient.wgsl")),
    ("logical", include_str!("../../shaders/shared/logical.wgsl")),
    ("own_pixels", include_str!("../../shaders/shared/own_pixels.wgsl")),
    ("moments", include_str!("../../shaders/shared/moments.wgsl")),
    ("conv", include_str!("../../shaders/shared/conv.wgsl")),
    ("winograd", include_str!("../../shaders/shared/winograd.wgsl")),
    ("fours", include_str!("../../shaders/shared/fours.wgsl")),
    ("fours_axes", include_str!("../../shaders/shared/fours_axes.wgsl")),
    ("fours_row", include_str!("../../shaders/shared/fours_row.wgsl")),
    ("finish", include_str!("../../shaders/shared/finish.wgsl")),
    ("walk", include_str!("../../shaders/shared/walk.wgsl")),
    ("transposed", include_str!("../../shaders/shared/transposed.wgsl")),
    ("conv_outputs", include_str!("../../shaders/shared/conv_outputs.wgsl")),
    ("conv_store", include_str!("../../shaders/shared/conv_store.wgsl")),
    ("conv_pair_store", include_str!("../../shaders/shared/conv_pair_store.wgsl")),
    ("conv_lanewise", include_str!("../../shaders/shared/conv_lanewise.wgsl")),
    ("conv_dense", include_str!("../../shaders/shared/conv_dense.wgsl")),
    ("weight", include_str!("../../shaders/shared/weight.wgsl")),
    ("weight_texels", include_str!("../../shaders/shared/weight_texels.wgsl")),
    ("loss", include_str!("../../shaders/shared/loss.wgsl")),
    ("loss_sums", include_str!("../../shaders/shared/loss_sums.wgsl")),
    ("own_box", include_str!("../../shaders/shared/own_box.wgsl")),
    ("overlap", include_str!("../../shaders/shared/overlap.wgsl")),
    ("loss_elements", include_str!("../../shaders/shared/loss_elements.wgsl")),
];

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let syntax = SyntaxConfig::builder()
            .block_delimiters("{%", "%}")
            .variable_delimiters("${", "}")
            .comment_delimiters("{#", "#}")
            .line_statement_prefix("#")
            .keep_trailing_newline(true)
            .build()
            .expect("the delimiters are distinct");
        let mut environment = Environment::new();
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in SHARED {
            environment.add_template(name, source).expect("shared shader parts parse");
        }
        environment
    })
}

/// The WGSL of `kernel` for `spec`. Template variables are the names in `spec`.
pub fn wgsl(kernel: &Kernel, spec: &Spec) -> Result<String, TemplateError> {
    let values: BTreeMap<&str, u32> = spec.0.iter().copied().collect();
    let fail = |source| TemplateError { kernel: kernel.name, spec: spec.clone(), source };
    let source = environment().render_str(kernel.source, values).map_err(fail)?;
    match spec.halves() {
        0 => Ok(source),
        mask => halved(&source, mask).map_err(|reason| fail(invalid(reason))),
    }
}

/// The same with tensors of vectors of floats as 64-bit words, for devices that have such integers.
pub fn wgsl_in_words(kernel: &Kernel, spec: &Spec) -> Result<String, TemplateError> {
    in_words(&wgsl(kernel, spec)?, kernel.bindings.len()).map_err(|reason| TemplateError {
        kernel: kernel.name,
        spec: spec.clone(),
        source: invalid(reason),
    })
}

fn invalid(reason: String) -> minijinja::Error {
    minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, reason)
}
