//! A plan as text, one line per step, for people and for snapshot tests.

use super::{Grid, Operand, Plan, Port, Refresh, Step};
use crate::kernels::blocks::Blocks;
use std::fmt::Write;

impl Plan {
    /// The plan as text. Equal plans give equal texts.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let bytes: u64 = self.slots.iter().sum();
        let constants: usize = self.constants.iter().map(|c| c.len() * 4).sum();
        let (batch, slots, bound) = (self.batch, self.slots.len(), self.slot_bound);
        let head = format!(
            "batch {batch}, {slots} slots of {bytes} bytes (at least {bound}), {} constants of {constants} bytes\n",
            self.constants.len()
        );
        text.push_str(&head);
        for (title, ports) in [("input", &self.inputs), ("output", &self.outputs)] {
            for port in ports {
                push(&mut text, format_args!("{title} {}\n", port_text(port)));
            }
        }
        let parts = [
            ("pack", &self.pack),
            ("steps", &self.steps),
            ("unpack", &self.unpack),
            ("losses", &self.losses),
            ("updates", &self.updates),
            ("probes", &self.probe),
        ];
        for (title, steps) in parts.into_iter().filter(|(_, steps)| !steps.is_empty()) {
            push(&mut text, format_args!("{title}\n"));
            for step in steps {
                push(&mut text, format_args!("  {}\n", step_text(step)));
            }
        }
        for Refresh { constant, external, offset } in &self.refreshed {
            push(&mut text, format_args!("constant {constant} from external {external} at byte {offset}\n"));
        }
        text
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("writing to a string does not fail");
}

fn port_text(port: &Port) -> String {
    let enlarged = if port.enlarged.is_some() { " enlarged" } else { "" };
    let operand = operand_text(&port.operand);
    format!("{} {:?} external {} in {operand}{enlarged}", port.name, port.shape, port.external)
}

fn step_text(step: &Step) -> String {
    let spec: Vec<String> = step.spec.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let operands: Vec<String> = step.operands.iter().map(operand_text).collect();
    let params: Vec<String> =
        step.kernel.params.iter().zip(&step.params).map(|(name, word)| format!("{name}={word}")).collect();
    format!(
        "{} {}: {}[{}]({}) {} {{{}}}",
        step.op,
        step.node,
        step.kernel.name,
        spec.join(" "),
        operands.join(" "),
        grid_text(step.grid),
        params.join(" ")
    )
}

fn operand_text(operand: &Operand) -> String {
    match operand {
        Operand::Slot(slot) => format!("s{slot}"),
        Operand::Part { slot, offset, .. } => format!("s{slot}+{offset}"),
        Operand::Constant(constant) => format!("c{constant}"),
        Operand::External(external) => format!("x{external}"),
    }
}

fn grid_text(grid: Grid) -> String {
    match grid {
        Grid::Elements { record, per_group, workgroup } => {
            format!("elements {per_group} per group of {} by {workgroup}", record.0)
        }
        Grid::Tiles { tiles, record, groups } => format!("{tiles} tiles, {groups} groups of {}", record.0),
        Grid::Blocks { tiles, record, blocks: Blocks { size, largest, .. }, planes } => {
            format!("{tiles} tiles x{planes}, blocks of {size} of {largest} groups of {}", record.0)
        }
        Grid::Fixed([x, y, z]) => format!("{x}x{y}x{z}"),
    }
}
