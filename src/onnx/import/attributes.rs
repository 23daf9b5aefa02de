//! Typed access to a node's attributes. What has not been asked for in the end is unknown, and an error.

use crate::onnx::proto::attribute_proto::AttributeType;
use crate::onnx::proto::{AttributeProto, NodeProto, TensorProto};
use std::collections::BTreeMap;

/// The attributes of one node that have not been asked for yet.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    left: BTreeMap<&'a str, &'a AttributeProto>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(node: &'a NodeProto) -> Result<Self, String> {
        let mut left = BTreeMap::new();
        for attribute in &node.attribute {
            if left.insert(attribute.name(), attribute).is_some() {
                return Err(format!("expected attribute {} once, found it twice", attribute.name()));
            }
        }
        Ok(Self { left })
    }

    /// The attribute, if it is there and of type `expected` (or, in old files, of no declared type).
    fn take(&mut self, name: &str, expected: AttributeType) -> Result<Option<&'a AttributeProto>, String> {
        let Some(attribute) = self.left.remove(name) else {
            return Ok(None);
        };
        match attribute.r#type() {
            found if found == expected || found == AttributeType::Undefined => Ok(Some(attribute)),
            found => Err(format!(
                "attribute {name}: expected type {}, found {}",
                expected.as_str_name(),
                found.as_str_name()
            )),
        }
    }

    pub(super) fn int(&mut self, name: &str) -> Result<Option<i64>, String> {
        Ok(self.take(name, AttributeType::Int)?.map(AttributeProto::i))
    }

    /// An integer that stands for no (0) or yes (1).
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, String> {
        match self.int(name)? {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(found) => Err(format!("attribute {name}: expected 0 or 1, found {found}")),
        }
    }

    /// An attribute of which only the value 0, the default, is supported.
    pub(super) fn only_zero(&mut self, name: &str) -> Result<(), String> {
        match self.int(name)? {
            None | Some(0) => Ok(()),
            Some(found) => {
                Err(format!("attribute {name}: expected 0, found {found}, which is not supported"))
            }
        }
    }

    pub(super) fn float(&mut self, name: &str) -> Result<Option<f32>, String> {
        Ok(self.take(name, AttributeType::Float)?.map(AttributeProto::f))
    }

    pub(super) fn string(&mut self, name: &str) -> Result<Option<&'a str>, String> {
        let Some(attribute) = self.take(name, AttributeType::String)? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(attribute.s());
        text.map(Some).map_err(|_| format!("attribute {name}: expected UTF-8 text, found other bytes"))
    }

    pub(super) fn ints(&mut self, name: &str) -> Result<Option<&'a [i64]>, String> {
        Ok(self.take(name, AttributeType::Ints)?.map(|attribute| attribute.ints.as_slice()))
    }

    pub(super) fn floats(&mut self, name: &str) -> Result<Option<&'a [f32]>, String> {
        Ok(self.take(name, AttributeType::Floats)?.map(|attribute| attribute.floats.as_slice()))
    }

    pub(super) fn tensor(&mut self, name: &str) -> Result<Option<&'a TensorProto>, String> {
        let Some(attribute) = self.take(name, AttributeType::Tensor)? else {
            return Ok(None);
        };
        match &attribute.t {
            Some(tensor) => Ok(Some(tensor)),
            None => Err(format!("attribute {name}: expected a tensor, found none")),
        }
    }

    /// Drops an attribute that has no meaning in inference.
    pub(super) fn ignore(&mut self, name: &str) {
        self.left.remove(name);
    }

    /// An error where attributes are left that nothing asked for: all of them.
    pub(super) fn finish(self) -> Result<(), String> {
        let left: Vec<&str> = self.left.keys().copied().collect();
        match &left[..] {
            [] => Ok(()),
            [name] => Err(format!("unknown attribute {name}; export without it")),
            names => Err(format!("unknown attributes {}; export without them", names.join(", "))),
        }
    }
}
