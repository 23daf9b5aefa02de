//! Exposure, contrast and white balance, as in the training of the bundled network (`models/scenes/train.py`).

use super::{Draw, Picture};

/// Changes the colours of a picture: all pixels are brought away from their mean by the contrast, then every channel is
/// multiplied by exposure and balance, between black and white. Letterboxes are changed with their pictures.
pub fn change(floats: &mut [f32], picture: &Picture, draw: &Draw) {
    let [channels, height, width] = picture.size;
    let norm = |channel: usize| {
        let mean = picture.mean.get(channel).copied().unwrap_or(0.0);
        (mean, picture.std.get(channel).copied().unwrap_or(1.0))
    };
    let planes = || (0..channels).map(norm).zip((0..channels).map(|channel| channel.min(2)));
    let pixels = height * width;
    let mut sum = 0.0;
    for (plane, ((mean, std), _)) in floats.chunks_exact(pixels).zip(planes()) {
        sum += plane.iter().map(|x| f64::from(x * std + mean)).sum::<f64>();
    }
    let middle = (sum / (channels * pixels) as f64) as f32;
    let contrast = 1.0 + draw.contrast;
    for (plane, ((mean, std), balance)) in floats.chunks_exact_mut(pixels).zip(planes()) {
        let gain = 1.0 + draw.exposure + draw.balance[balance];
        for x in plane {
            let pixel = ((*x * std + mean - middle) * contrast + middle) * gain;
            *x = (pixel.clamp(0.0, picture.white) - mean) / std;
        }
    }
}
