//! Checked values in text columns.

use serde::de::{DeserializeOwned, IntoDeserializer, value};
use serde::{Deserialize, Serialize};
use sqlx::any::{Any, AnyTypeInfo, AnyValueRef};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

type Arguments = <Any as Database>::ArgumentBuffer;

/// A value that serializes as one string, such as an identifier or a status: stored as that very text, so that
/// SQL can compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T>(pub T);

/// A value stored as its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T> Type<Any> for Word<T> {
    fn type_info() -> AnyTypeInfo {
        <str as Type<Any>>::type_info()
    }
}

impl<T: Serialize> Encode<'_, Any> for Word<T> {
    fn encode_by_ref(&self, buffer: &mut Arguments) -> Result<IsNull, BoxDynError> {
        match serde_json::to_value(&self.0)? {
            serde_json::Value::String(text) => Encode::<Any>::encode(text, buffer),
            other => Err(format!("only what serializes as a string is a Word, not {other}; use Json").into()),
        }
    }
}

impl<'r, T: Deserialize<'r>> Decode<'r, Any> for Word<T> {
    fn decode(value: AnyValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <String as Decode<Any>>::decode(value)?;
        let decoded: Result<T, value::Error> = T::deserialize(text.into_deserializer());
        Ok(Self(decoded?))
    }
}

impl<T> Type<Any> for Json<T> {
    fn type_info() -> AnyTypeInfo {
        <str as Type<Any>>::type_info()
    }
}

impl<T: Serialize> Encode<'_, Any> for Json<T> {
    fn encode_by_ref(&self, buffer: &mut Arguments) -> Result<IsNull, BoxDynError> {
        Encode::<Any>::encode(serde_json::to_string(&self.0)?, buffer)
    }
}

impl<T: DeserializeOwned> Decode<'_, Any> for Json<T> {
    fn decode(value: AnyValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(serde_json::from_str(&<String as Decode<Any>>::decode(value)?)?))
    }
}
