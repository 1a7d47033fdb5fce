//! Serde for words and ids: whatever prints and parses travels as its text.

use serde::{Deserialize, Deserializer, Serializer, de};
use std::fmt::Display;
use std::str::FromStr;

pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(from)?
        .parse()
        .map_err(de::Error::custom)
}

/// The same for a value that may be absent.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer, de};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(de::Error::custom))
            .transpose()
    }
}

/// Money as decimal dollars without the sign: `"0.36"`. Never a JSON number, which is a float.
pub(crate) mod dollars {
    use super::{Deserialize, Deserializer, Serializer, de};
    use livery_units::Money;

    pub(crate) fn serialize<S: Serializer>(value: &Money, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&value.to_string().replace('$', ""))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Money, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// The same for an amount that may be absent.
pub(crate) mod dollars_option {
    use super::{Deserializer, Serializer, option};
    use livery_units::Money;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Money>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::dollars::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D>(from: D) -> Result<Option<Money>, D::Error>
    where
        D: Deserializer<'de>,
    {
        option::deserialize(from)
    }
}

/// Times as milliseconds since 1970.
pub(crate) mod millis {
    use super::{Deserialize, Deserializer, Serializer};
    use livery_units::Timestamp;

    pub(crate) fn serialize<S: Serializer>(value: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.millis())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_millis)
    }
}

/// The same for a time that may be absent.
pub(crate) mod millis_option {
    use super::{Deserialize, Deserializer, Serializer};
    use livery_units::Timestamp;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_some(&value.millis()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D>(from: D) -> Result<Option<Timestamp>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(Option::<i64>::deserialize(from)?.map(Timestamp::from_millis))
    }
}

/// Sizes as a number of bytes.
pub(crate) mod size {
    use super::{Deserialize, Deserializer, Serializer};
    use livery_units::Bytes;

    pub(crate) fn serialize<S: Serializer>(value: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.get())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        u64::deserialize(from).map(Bytes::new)
    }
}

/// The same for a size that may be absent.
pub(crate) mod size_option {
    use super::{Deserialize, Deserializer, Serializer};
    use livery_units::Bytes;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Bytes>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_some(&value.get()),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D>(from: D) -> Result<Option<Bytes>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(Option::<u64>::deserialize(from)?.map(Bytes::new))
    }
}
