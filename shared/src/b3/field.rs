//! Deserialization of JSON objects: by field name only, and telling an absent field from a null one.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A field of an object. Absent and null differ: an absent field means another shape, null is how B3 says that it has
/// no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    #[default]
    Absent,
    Null,
    Present(T),
}

/// Why a required text is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    #[error("absent")]
    Absent,
    #[error("null")]
    Null,
    /// Empty or only white space.
    #[error("blank")]
    Blank,
}

impl Field<String> {
    /// The text. White space alone counts as missing.
    pub fn text(&self) -> Result<&str, Missing> {
        match self {
            Self::Absent => Err(Missing::Absent),
            Self::Null => Err(Missing::Null),
            Self::Present(text) if text.trim().is_empty() => Err(Missing::Blank),
            Self::Present(text) => Ok(text),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<T>::deserialize(deserializer)?;
        Ok(value.map_or(Self::Null, Self::Present))
    }
}

impl<T> Field<T> {
    pub(super) fn is_present(&self) -> bool {
        matches!(self, Self::Present(_))
    }

    /// `None` for null, and the error that `absent` makes for an absent field.
    pub(super) fn or_absent<E>(self, absent: impl FnOnce() -> E) -> Result<Option<T>, E> {
        match self {
            Self::Absent => Err(absent()),
            Self::Null => Ok(None),
            Self::Present(value) => Ok(Some(value)),
        }
    }
}

/// An object, read by field name. Serde by itself would also accept an array and read the fields by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByName<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByName<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
            type Value = T;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Object(PhantomData)).map(Self)
    }
}
