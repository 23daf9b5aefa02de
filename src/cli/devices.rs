//! `devices`: the adapters of this machine.

use super::args::DevicesArgs;
use super::{Failure, files, table};
use crate::gpu::{DeviceInfo, GpuError, list};
use serde::Serialize;

#[derive(Serialize)]
struct Devices {
    version: u32,
    devices: Vec<DeviceInfo>,
}

/// Runs the command. No adapter at all is a failure.
pub fn run(args: &DevicesArgs) -> Result<(), Failure> {
    let devices = list();
    if devices.is_empty() {
        return Err(Failure::input(GpuError::NoAdapter));
    }
    if args.json {
        return files::print_json(&Devices { version: 1, devices });
    }
    let mut table = table::new(&["", "device", "type", "backend", "driver", "tier", "kernels", "features"]);
    for device in devices {
        table.add_row([
            device.index.to_string(),
            device.name,
            device.kind.to_owned(),
            device.backend,
            device.driver,
            format!("{:?}", device.tier),
            device.class,
            device.features.join(" "),
        ]);
    }
    println!("{}", table.trim_fmt());
    Ok(())
}
