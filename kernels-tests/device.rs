//! Choosing a device, and what becomes of one that is lost or asked for too much.

use crate::harness::gpus;
use crate::network::{Network, graph};
use wgpu_pagcp::gpu::{Gpu, GpuError, Selector, Session, list};
use wgpu_pagcp::plan::DeviceClass;

#[test]
fn listed_devices_open_by_number_and_by_name() {
    let Some(_) = gpus() else { return };
    let devices = list();
    for device in &devices {
        let gpu = Gpu::open(&Selector::Index(device.index)).unwrap();
        assert_eq!(gpu.info().name, device.name);
        assert_eq!(gpu.class_name(), device.class);
        let part = device.name.to_uppercase();
        Gpu::open(&Selector::Name(part)).unwrap();
    }
    let text = serde_json::to_value(&devices[0]).unwrap();
    for key in ["index", "name", "backend", "type", "driver", "tier", "features", "limits"] {
        assert!(text.get(key).is_some(), "{key} is missing in {text}");
    }
}

#[test]
fn cpu_drivers_with_long_integers_read_words() {
    let Some([own, _]) = gpus() else { return };
    let portable = own.with_class(DeviceClass::Portable);
    let long = own.device().features().contains(wgpu::Features::SHADER_INT64);
    let broadcast = matches!(own.class(), DeviceClass::Broadcast { .. });
    assert_eq!(own.reads_words(), own.is_cpu() && broadcast && long);
    assert!(own.reads_words() || !own.info().name.contains("llvmpipe"), "{}", own.info().name);
    assert!(!portable.reads_words());
}

#[test]
fn a_missing_device_is_told_from_those_there() {
    let Some(_) = gpus() else { return };
    let error = Gpu::open(&Selector::Name("no such adapter".to_owned())).unwrap_err();
    let name = &list()[0].name;
    assert!(error.to_string().starts_with("no adapter no such adapter; found 0: "), "{error}");
    assert!(error.to_string().contains(name), "{error}");
    let error = Gpu::open(&Selector::Index(99)).unwrap_err();
    assert!(error.to_string().starts_with("no adapter number 99; found 0: "), "{error}");
}

#[test]
fn a_lost_device_is_an_error() {
    let Some(_) = gpus() else { return };
    let gpu = Gpu::open(&Selector::Best).unwrap();
    let network = Network::new(graph([9, 13]), 1);
    let mut session = network.session(&gpu, 0);
    let input = network.input(1);
    session.run(&[&input]).unwrap();
    gpu.device().destroy();
    for _ in 0..2 {
        let error = session.run(&[&input]).unwrap_err();
        assert!(matches!(error, GpuError::Lost(_)), "{error}");
    }
    let error = Session::new(&gpu, network.plan(&gpu.plan_options(1)), 0).unwrap_err();
    assert!(matches!(error, GpuError::Lost(_)), "{error}");
}

#[test]
fn a_buffer_beyond_the_device_is_an_error() {
    let Some([gpu, _]) = gpus() else { return };
    let network = Network::new(graph([9, 13]), 1);
    let mut plan = network.plan(&gpu.plan_options(1));
    plan.slots[0] = 1 << 40;
    let error = Session::new(&gpu, plan, 0).unwrap_err();
    assert!(matches!(error, GpuError::Rejected { .. } | GpuError::OutOfMemory { .. }), "{error}");
    let mut session = network.session(&gpu, 0);
    session.run(&[&network.input(1)]).expect("the device goes on working");
}
