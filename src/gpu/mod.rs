//! Everything that touches wgpu: devices, pipelines, sessions.
