//! Several steps in one dispatch: the WGSL of their kernels put into one shader, whose few workgroups take work off counters.
//!
//! On a device that is the CPU a dispatch costs waking its threads, 12 to 40 us, as much as a small layer. Here they
//! stay: a workgroup takes pieces of one phase's work until none are left, and goes on to the next phase, before which it
//! waits for the pieces that others took of those phases whose values it reads or replaces. Nobody waits for what no
//! workgroup has begun, so that any number of them, down to one, ends. Who has waited too long leaves, having finished
//! what it took: the others do the rest.
//!
//! What this asks of a device beyond WGSL, and why it is for Mesa's CPU driver (llvmpipe) alone:
//! - Memory in order across workgroups. WGSL's atomics order nothing, its barriers only a workgroup (and here they would make
//!   the shader a coroutine, whose sums live in memory). That driver's atomics are sequentially consistent exchanges.
//! - Loops that end by themselves. That driver ends all loops of a thread that has run 65,535 rounds, silently. Chains are cut
//!   so that one workgroup could do all of one (see [`super::rounds`]), and each proves at its end, with a loop of two rounds,
//!   that none of its loops was cut: else a counter says so and the host repeats the run step by step.

mod source;
#[cfg(test)]
mod tests;

pub use source::{Entry, Unfit, entry};

use source::renamed;
use std::fmt::Write;

/// One phase of a chain.
#[derive(Debug)]
pub struct Phase<'a> {
    /// Its kernel.
    pub entry: &'a Entry,
    /// The threads of a workgroup of its kernel.
    pub workgroup: u32,
    /// Which of the chain's tensors it binds.
    pub tensors: Vec<usize>,
    /// The phases to wait for before it.
    pub after: Vec<usize>,
}

/// A tensor that a chain binds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tensor {
    /// Its WGSL type.
    pub ty: String,
    /// `None` for what is no buffer; else whether anything in the chain writes that buffer.
    pub written: Option<bool>,
}

/// Words of a counter: a cache line each, since all workgroups change them.
pub const COUNTER: usize = 16;

/// The binding of the first tensor, behind the live table, the uniform and the counters.
const FIRST_TENSOR: usize = 3;

/// The WGSL of a chain of `phases` in workgroups of `workgroup` threads, one subgroup each.
///
/// # Errors
/// Names a builtin that an entry point needs and a chain does not have.
pub fn wgsl(phases: &[Phase], tensors: &[Tensor], workgroup: u32) -> Result<String, Unfit> {
    let mut text = String::new();
    let mut uniform = String::from("struct Chain {\n    head: vec4u,\n");
    for (at, tensor) in tensors.iter().enumerate() {
        let space = match tensor.written {
            None => "",
            Some(true) => "<storage, read_write>",
            Some(false) => "<storage, read>",
        };
        let binding = at + FIRST_TENSOR;
        let _ = writeln!(text, "@group(0) @binding({binding}) var{space} tensor{at}: {};", tensor.ty);
    }
    let mut calls = String::new();
    for (at, phase) in phases.iter().enumerate() {
        let _ = writeln!(uniform, "    @align(16) w{at}: Work,\n    @align(16) p{at}: s{at}_Params,");
        let name = |name: &str| match phase.entry.names.iter().position(|own| own == name) {
            Some(own) => format!("tensor{}", phase.tensors[own]),
            None if name == "live" => name.to_owned(),
            None if name == "p" => format!("chain.p{at}"),
            None => format!("s{at}_{name}"),
        };
        text.push_str(&renamed(&phase.entry.body, &phase.entry.names, name));
        calls.push_str(&call(at, phase, workgroup)?);
    }
    uniform.push_str("}\n");
    Ok(format!(
        "{HEAD}{uniform}{text}
@compute @workgroup_size({workgroup})
fn main(@builtin(subgroup_invocation_id) lane: u32) {{
    var patience = chain.head.x;
{calls}
    // Where a driver ends loops after so many rounds, it ends this one after its first.
    var rounds = chain.head.y;
    loop {{
        rounds--;
        continuing {{ break if rounds == 0u; }}
    }}
    if (lane == 0u) {{
        if (rounds != 0u) {{
            atomicAdd(&counters[0], 1u);
        }} else if (patience != 0u) {{
            atomicAdd(&counters[{COUNTER}], 1u);
        }}
    }}
}}
"
    ))
}

/// What all chains share.
const HEAD: &str = include_str!("../../../shaders/shared/chain.wgsl");

/// The lines of `main` for phase `at`.
fn call(at: usize, phase: &Phase, workgroup: u32) -> Result<String, Unfit> {
    let parts = phase.workgroup / workgroup;
    let argument = |builtin: &String| match builtin.as_str() {
        "workgroup_id" if parts == 1 => Ok("id".to_owned()),
        "num_workgroups" => Ok("w.grid".to_owned()),
        "subgroup_invocation_id" | "local_invocation_index" if parts == 1 => Ok("lane".to_owned()),
        "global_invocation_id" => {
            Ok(format!("vec3u(id.x * {}u + part * {workgroup}u + lane, id.y, id.z)", phase.workgroup))
        }
        other => Err(format!("it needs {other} of workgroups of {}", phase.workgroup)),
    };
    let arguments = phase.entry.builtins.iter().map(argument).collect::<Result<Vec<_>, _>>()?.join(", ");
    let mut text = String::new();
    for &before in &phase.after {
        let counter = finished_counter(before);
        let _ = writeln!(text, "    patience = wait({counter}u, chain.w{before}.tickets, patience);");
    }
    let (taken, finished) = (taken_counter(at), finished_counter(at));
    let [part, next_part] = match parts {
        1 => ["let part = 0u;".to_owned(), String::new()],
        _ => [
            format!("var part = piece % {parts}u;"),
            format!("part = select(part + 1u, 0u, part == {parts}u - 1u);"),
        ],
    };
    let moves = if parts == 1 { "true" } else { "part == 0u" };
    let _ = write!(
        text,
        "    {{
        let w = chain.w{at};
        var finished = 0u;
        var ticket = take({taken}u, lane, patience);
        if (ticket < w.tickets) {{
            loop {{
                var piece = first_piece(w, ticket);
                let end = first_piece(w, ticket + 1u);
                {part}
                var id = place(w, piece / {parts}u);
                loop {{
                    s{at}_main({arguments});
                    continuing {{
                        piece++;
                        {next_part}
                        id = select(id, next_place(w, id), {moves});
                        break if piece >= end;
                    }}
                }}
                finished++;
                ticket = take({taken}u, lane, patience);
                continuing {{ break if ticket >= w.tickets; }}
            }}
        }}
        if (lane == 0u) {{
            atomicAdd(&counters[{finished}], finished);
        }}
    }}
"
    );
    Ok(text)
}

/// The word that counts the tickets taken of a phase.
fn taken_counter(phase: usize) -> usize {
    (2 + 2 * phase) * COUNTER
}

/// The word that counts the tickets finished of a phase.
fn finished_counter(phase: usize) -> usize {
    taken_counter(phase) + COUNTER
}

/// Words of the counters of a chain of so many phases. Those of the next chain may begin behind them.
pub fn counters(phases: usize) -> usize {
    taken_counter(phases).next_multiple_of(ALIGNMENT)
}

/// Words: no device wants bindings of storage to begin at multiples of more than 256 bytes.
const ALIGNMENT: usize = 64;
