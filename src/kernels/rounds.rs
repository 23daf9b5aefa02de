//! How many rounds of loops a thread of a kernel runs. Mesa's CPU driver ends every loop of a thread that has run 65,535
//! rounds of any, so that a thread that does the work of many has to know.

use super::live::LiveTable;
use super::{Kernel, Spec};

/// At most so many rounds for one workgroup's worth of a kernel's work; `None` for kernels that are not known here.
pub fn rounds(kernel: &Kernel, spec: &Spec, params: &[u32], table: &LiveTable) -> Option<u64> {
    let param = |name: &str| {
        let at = kernel.params.iter().position(|own| *own == name)?;
        params.get(at).map(|&word| u64::from(word))
    };
    let constant =
        |name: &str| spec.0.iter().find(|(own, _)| *own == name).map(|&(_, value)| u64::from(value));
    let record = |name: &str| {
        let record = param(name)? as usize;
        Some([u64::from(table.0[record]), u64::from(table.0[record + 1])])
    };
    let [segments, _] = record("record").or_else(|| record("out_record"))?;
    let window = || Some([param("kernel_height")?, param("kernel_width")?]);
    let body = match kernel.name {
        "conv_broadcast" | "conv_pair" => {
            let [in_segments, groups] = record("in_record")?;
            let [rows, columns] = window()?;
            let group = match (constant("lanewise")?, constant("form")?) {
                (1, _) => 1 + LANES,
                (_, 1) => 1 + columns,
                _ => 1,
            };
            let searches = constant("kg")?.div_ceil(constant("subgroup")?.max(1));
            let next = match record("next_record") {
                Some([segments, groups]) => groups * (1 + segments),
                None => 0,
            };
            searches * segments + rows * (1 + in_segments + groups * group) + next
        }
        "conv_vector" => record("in_record")?.iter().sum(),
        "conv_depthwise" | "pool" => {
            let [rows, columns] = window()?;
            rows * (1 + columns)
        }
        "global_pool" if constant("subgroup")? > 0 => param("pixels")?.div_ceil(POOL_STRIDE),
        "resize_arg_max" => record("in_record")?.iter().sum(),
        "resize" => param("rows")?,
        "pack" | "unpack" | "resize_unpack" => LANES * segments,
        "pack_picture" | "eltwise_binary" | "eltwise_unary" | "affine" | "concat" | "pad" => 0,
        _ => return None,
    };
    Some(segments + body)
}

/// Channels of a group.
const LANES: u64 = 4;

/// Pixels of a round of a global pool.
const POOL_STRIDE: u64 = 64;
