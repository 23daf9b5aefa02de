//! The classes of pixels and of rooms.

/// What a pixel shows; the discriminant is the value in the label picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// Walls and partitions.
    Wall,
    /// The floor and rugs on it.
    Floor,
    /// The ceiling.
    Ceiling,
    /// Tables and desks.
    Table,
    /// Chairs and stools.
    Chair,
    /// Beds with their bedding.
    Bed,
    /// Sofas and armchairs.
    Sofa,
    /// Cabinets, shelves, wardrobes and counters.
    Cabinet,
    /// Lamps of every kind.
    Lamp,
    /// Windows with their frames.
    Window,
    /// Framed pictures.
    Picture,
    /// Plants with their pots.
    Plant,
    /// Boxes and crates.
    Box,
    /// Doors, screens and small things: not labelled.
    Unlabelled = 255,
}

/// Names of the pixel classes, in the order of their values.
pub const CLASS_NAMES: [&str; 13] = [
    "wall", "floor", "ceiling", "table", "chair", "bed", "sofa", "cabinet", "lamp", "window", "picture",
    "plant", "box",
];

/// The kind of room; decides what furniture is likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Room {
    /// A bedroom.
    Bedroom,
    /// A living room.
    Living,
    /// A dining room.
    Dining,
    /// An office.
    Office,
    /// A kitchen.
    Kitchen,
    /// A store room.
    Store,
}

impl Room {
    /// Every kind of room, in the order of the class numbers.
    pub const ALL: [Self; 6] =
        [Self::Bedroom, Self::Living, Self::Dining, Self::Office, Self::Kitchen, Self::Store];
}

/// Names of the room classes, in the order of their values.
pub const ROOM_NAMES: [&str; 6] = ["bedroom", "living", "dining", "office", "kitchen", "store"];
