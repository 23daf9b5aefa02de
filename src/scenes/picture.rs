//! One picture with all its labels.

use super::camera::{Camera, HEIGHT, WIDTH};
use super::classes::Room;
use super::edges::occlusion_boundaries;
use super::furnish::furnished_room;
use super::rng::Rng;
use super::scene::{Hit, Scene};
use super::shade::{self, Sensor};
use super::shape::Ray;
use super::vector::Vec3;

/// Metres per step of a depth label.
pub const DEPTH_UNIT: f32 = 0.001;

/// A rendered room; every plane is `WIDTH` x `HEIGHT`, row by row.
pub struct Picture {
    /// RGB, 8 bits.
    pub image: Vec<u8>,
    /// Class of every pixel; 255 is not labelled.
    pub seg: Vec<u8>,
    /// Depth along the optical axis in millimetres; 0 is not labelled.
    pub depth: Vec<u16>,
    /// Normal (right, up, towards the viewer) as (n + 1) * 127.5; black is not labelled.
    pub normals: Vec<u8>,
    /// 255 on occlusion boundaries, 0 elsewhere.
    pub edges: Vec<u8>,
    /// Number of the room's kind.
    pub room: u8,
}

/// A furnished room, the camera in it, and what the ray through each pixel's centre meets.
struct Shot {
    scene: Scene,
    camera: Camera,
    rays: Vec<Ray>,
    hits: Vec<Hit>,
    rng: Rng,
}

impl Shot {
    fn new(seed: u64, index: u64) -> Self {
        let mut rng = Rng::new(seed, index);
        let room = rng.pick(&Room::ALL);
        let mut scene = furnished_room(room, &mut rng);
        scene.ambient = shade::ambient(&scene);
        let camera = Camera::choose(&scene, &mut rng);
        let (rays, hits) = pixels()
            .map(|(column, row)| {
                let ray = camera.ray(column as f32 + 0.5, row as f32 + 0.5);
                (ray, scene.trace(&ray))
            })
            .unzip();
        Self { scene, camera, rays, hits, rng }
    }

    fn classes(&self) -> impl Iterator<Item = u8> {
        self.hits.iter().map(|hit| self.scene.class(hit.target) as u8)
    }

    /// Depth and normal of a pixel as they are stored.
    fn geometry(&self, ray: &Ray, hit: &Hit) -> (u16, [u8; 3]) {
        if self.scene.material(hit.target).glass {
            return (0, [0; 3]);
        }
        let depth = self.camera.depth(ray.at(hit.surface.t));
        let normal = self.camera.to_camera(hit.surface.normal);
        let code = (normal + Vec3::splat(1.0)) * 127.5 + Vec3::splat(0.5);
        ((depth / DEPTH_UNIT + 0.5) as u16, [code.x as u8, code.y as u8, code.z as u8])
    }
}

/// Renders picture `index` of data set `seed`: a pure function of both.
pub fn render(seed: u64, index: u64) -> Picture {
    let mut shot = Shot::new(seed, index);
    let image = photograph(&shot.scene, &shot.camera, &mut shot.rng);
    let (depth, normals): (Vec<u16>, Vec<[u8; 3]>) =
        shot.rays.iter().zip(&shot.hits).map(|(ray, hit)| shot.geometry(ray, hit)).unzip();
    Picture {
        image,
        seg: shot.classes().collect(),
        depth,
        normals: normals.concat(),
        edges: occlusion_boundaries(&shot.rays, &shot.hits),
        room: shot.scene.room as u8,
    }
}

/// Column and row of every pixel, row by row.
pub fn pixels() -> impl Iterator<Item = (usize, usize)> {
    (0..HEIGHT).flat_map(|row| (0..WIDTH).map(move |column| (column, row)))
}

fn photograph(scene: &Scene, camera: &Camera, rng: &mut Rng) -> Vec<u8> {
    let light: Vec<Vec3> = pixels().map(|at| shade::pixel(scene, camera, at, rng)).collect();
    // A bright window must not turn the rest of the room black.
    let metered = light.iter().map(|colour| colour.luminance().min(1.5));
    let mean = metered.sum::<f32>() / light.len() as f32;
    let sensor = Sensor::exposed(mean, rng);
    pixels()
        .zip(light)
        .flat_map(|((column, row), colour)| {
            let x = (column as f32 + 0.5) / (WIDTH as f32 * 0.5) - 1.0;
            let y = (row as f32 + 0.5) / (HEIGHT as f32 * 0.5) - 1.0;
            sensor.record(colour, (x, y), rng)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::classes::CLASS_NAMES;
    use super::super::vector::vec3;
    use super::*;

    fn fnv(bytes: impl IntoIterator<Item = u8>) -> u64 {
        bytes
            .into_iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    fn hash(picture: &Picture) -> u64 {
        let depth = picture.depth.iter().flat_map(|d| d.to_le_bytes());
        let planes = [&picture.seg, &picture.normals, &picture.edges];
        let labels = planes.into_iter().flatten().copied();
        let image = picture.image.iter().copied();
        fnv(image.chain(labels).chain(depth).chain([picture.room]))
    }

    #[test]
    fn pictures_are_the_same_everywhere() {
        let golden = [(1, 0, GOLDEN[0]), (1, 1 << 32, GOLDEN[1]), (7, 3, GOLDEN[2])];
        for (seed, index, expected) in golden {
            let got = hash(&render(seed, index));
            assert_eq!(got, expected, "seed {seed}, index {index}: {got:#018x}");
        }
    }

    #[test]
    fn every_class_and_room_appears_and_none_is_out_of_range() {
        let mut classes = [0usize; CLASS_NAMES.len()];
        let mut rooms = [false; Room::ALL.len()];
        for index in 0..200 {
            let shot = Shot::new(5, index);
            rooms[shot.scene.room as usize] = true;
            for class in shot.classes().filter(|&class| class != 255) {
                classes[class as usize] += 1;
            }
        }
        assert!(classes.iter().all(|&count| count > 500), "{classes:?}");
        assert!(rooms.iter().all(|&seen| seen));
    }

    #[test]
    fn labels_agree_with_each_other() {
        for index in 0..5 {
            let picture = render(2, index);
            assert_eq!(picture.image.len(), WIDTH * HEIGHT * 3);
            let edges = picture.edges.iter().filter(|&&edge| edge == 255).count();
            assert!(edges > 0 && edges < WIDTH * HEIGHT / 2);
            for (pixel, code) in picture.normals.chunks_exact(3).enumerate() {
                let labelled = code != [0; 3];
                assert_eq!(labelled, picture.depth[pixel] > 0);
                let decode = |c: u8| f32::from(c) / 127.5 - 1.0;
                let normal = vec3(decode(code[0]), decode(code[1]), decode(code[2]));
                assert!(!labelled || (normal.length() - 1.0).abs() < 0.02);
                assert!(picture.depth[pixel] < 12_000);
            }
        }
    }

    const GOLDEN: [u64; 3] = [0x228b_5a72_7c14_0c06, 0x911d_ab75_63ab_1998, 0x0a4b_c870_ac11_dc29];
}
