//! How the fields of an object are read: by their names, and what is not there is told from what is null.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A field of an object. That it is not there and that it is null are told apart: the one is another shape, the
/// other is B3's way to say that it has nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The object has no field of this name.
    #[default]
    Absent,
    /// It is null.
    Null,
    /// It has a value.
    Present(T),
}

/// Why there is no text where one is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// No field of this name.
    #[error("absent")]
    Absent,
    /// Null.
    #[error("null")]
    Null,
    /// Empty, or nothing but white space.
    #[error("blank")]
    Blank,
}

impl Field<String> {
    /// The text. White space alone is none.
    ///
    /// # Errors
    /// [`Missing`] says why there is none.
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

    /// `None` for null.
    ///
    /// # Errors
    /// What `absent` makes, if there is no such field.
    pub(super) fn or_absent<E>(self, absent: impl FnOnce() -> E) -> Result<Option<T>, E> {
        match self {
            Self::Absent => Err(absent()),
            Self::Null => Ok(None),
            Self::Present(value) => Ok(Some(value)),
        }
    }
}

/// An object that is read by the names of its fields. Serde would also read one from an array, by their order.
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
