//! What the steps of a chain bind.

use super::member::Member;
use crate::gpu::transfer::texel_format;
use crate::kernels::Access;
use crate::kernels::chain::Tensor;
use crate::plan::Operand;

/// What members of a chain bind, each once.
pub struct Tensors {
    all: Vec<(Operand, Access, Tensor)>,
    /// For each member which of them.
    pub of: Vec<Vec<usize>>,
}

impl Member<'_> {
    /// What it binds, and whether it writes that.
    pub fn bound(&self) -> impl Iterator<Item = (Operand, bool)> {
        let accesses = self.step.kernel.bindings.iter().map(|&access| access == Access::Write);
        self.step.operands.iter().copied().zip(accesses)
    }
}

impl Tensors {
    /// What `members` bind. A buffer of which any part is written is bound to be written everywhere.
    pub fn of(members: &[&Member]) -> Self {
        let written: Vec<Operand> = members
            .iter()
            .flat_map(|member| member.bound())
            .filter_map(|(operand, writes)| writes.then_some(operand))
            .collect();
        let mut all: Vec<(Operand, Access, Tensor)> = Vec::new();
        let mut number = |operand, access, ty: &String| {
            let buffer = matches!(access, Access::Read | Access::Write);
            let written = buffer.then(|| written.iter().any(|&other| same_buffer(operand, other)));
            let tensor = Tensor { ty: ty.clone(), written };
            let known = all.iter().position(|(own, _, known)| *own == operand && *known == tensor);
            known.unwrap_or_else(|| {
                all.push((operand, access, tensor));
                all.len() - 1
            })
        };
        let of = members.iter().map(|member| {
            let bindings = member.step.operands.iter().zip(member.step.kernel.bindings);
            let typed = bindings.zip(&member.entry.types);
            typed.map(|((&operand, &access), ty)| number(operand, access, ty)).collect()
        });
        let of = of.collect();
        Self { all, of }
    }

    /// Buffers and textures.
    pub fn counts(&self) -> [usize; 2] {
        let buffers = self.all.iter().filter(|(_, _, tensor)| tensor.written.is_some()).count();
        [buffers, self.all.len() - buffers]
    }

    /// As the shader declares them.
    pub fn declared(&self) -> Vec<Tensor> {
        self.all.iter().map(|(_, _, tensor)| tensor.clone()).collect()
    }

    /// In order of their bindings.
    pub fn operands(&self) -> impl Iterator<Item = Operand> {
        self.all.iter().map(|&(operand, ..)| operand)
    }

    /// The layout of all that a chain binds.
    pub fn layout(&self) -> Vec<wgpu::BindGroupLayoutEntry> {
        let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
        let storage = |read_only| buffer(wgpu::BufferBindingType::Storage { read_only });
        let fixed = [storage(true), buffer(wgpu::BufferBindingType::Uniform), storage(false)];
        let bound = self.all.iter().map(|(_, access, tensor)| match (tensor.written, access) {
            (Some(written), _) => storage(!written),
            (None, Access::Picture) => wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: false },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            (None, _) => wgpu::BindingType::StorageTexture {
                access: wgpu::StorageTextureAccess::ReadOnly,
                format: texel_format(false),
                view_dimension: wgpu::TextureViewDimension::D2,
            },
        });
        let entry = |(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty,
            count: None,
        };
        fixed.into_iter().chain(bound).enumerate().map(entry).collect()
    }
}

fn same_buffer(a: Operand, b: Operand) -> bool {
    a == b || a.slot().is_some() && a.slot() == b.slot()
}

/// Whether two operands share bytes.
pub fn overlap(a: Operand, b: Operand) -> bool {
    same_buffer(a, b)
        && match (a, b) {
            (Operand::Part { offset: a, bytes: m, .. }, Operand::Part { offset: b, bytes: n, .. }) => {
                a < b + n && b < a + m
            }
            _ => true,
        }
}
