//! Declares the parameters of a kernel once, for the host and for the test against its WGSL.

/// A 32-bit member of a shader's `Params`.
pub(super) trait Word {
    /// Its bits.
    fn word(self) -> u32;
}

impl Word for u32 {
    fn word(self) -> u32 {
        self
    }
}

impl Word for f32 {
    fn word(self) -> u32 {
        self.to_bits()
    }
}

/// A struct whose fields are the members of the shader's `Params`, in order.
macro_rules! params {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$inner])* pub $field: $type,)*
        }

        impl $name {
            /// The names of the words, in order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            /// The uniform's words.
            pub fn words(&self) -> Vec<u32> {
                vec![$($crate::kernels::params::Word::word(self.$field)),*]
            }
        }
    };
}

pub(super) use params;
