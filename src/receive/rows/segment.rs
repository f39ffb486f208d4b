//! Lists of structs where they lie in a message.
//!
//! The library's way to a list is some hundred instructions long, and the attributes of each span are one. Here is a
//! shorter one for lists that lie as all do that are written in one piece. Whatever else there is, it leaves to the
//! library, which knows what is right and says what is wrong.

use std::iter;

use capnp::raw;
use capnp::traits::IntoInternalStructReader;

/// What a pointer is, in its lowest bits.
const KIND: u64 = 3;
const STRUCT: u64 = 0;
const LIST: u64 = 1;

/// The size of elements that says: structs, behind a word that tells how large they are.
const COMPOSITE: u64 = 7;

/// The words of a message that has only these.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a>(&'a [u8]);

/// A list of structs, whole.
#[derive(Clone, Copy)]
pub(super) struct Structs<'a> {
    /// Of all of them, with nothing behind the last.
    bytes: &'a [u8],
    /// From one to the next.
    step: usize,
    /// What each has besides its pointers.
    data: usize,
    /// What the list takes of the message.
    words: usize,
}

impl<'a> Segment<'a> {
    /// Of a message in the standard stream framing. One of several segments has none here.
    pub(super) fn of(message: &'a [u8]) -> Self {
        let Some(([0, 0, 0, 0, words @ ..], segment)) = message.split_first_chunk::<8>() else {
            return Self(&[]);
        };
        let bytes = (u32::from_le_bytes(*words) as usize).checked_mul(8);
        Self(bytes.and_then(|bytes| segment.get(..bytes)).unwrap_or_default())
    }

    /// The list that pointer `index` of a struct leads to, if it is as usual.
    #[inline(always)]
    pub(super) fn list<T>(self, of: T, index: u32) -> Option<Structs<'a>>
    where
        T: IntoInternalStructReader<'a> + Copy,
    {
        if index >= raw::get_struct_pointer_section(of).len() {
            return Some(Structs::NONE);
        }
        // The pointers stand behind the data.
        let data = raw::get_struct_data_section(of).as_ptr_range().end;
        let begin = (data as usize).wrapping_sub(self.0.as_ptr() as usize);
        self.list_at(begin.wrapping_add(8 * index as usize))
    }

    /// The list of the pointer at a byte.
    #[inline(always)]
    fn list_at(self, at: usize) -> Option<Structs<'a>> {
        let pointer = u64::from_le_bytes(*self.0.get(at..)?.first_chunk()?);
        if pointer == 0 {
            return Some(Structs::NONE);
        }
        if pointer & KIND != LIST || pointer >> 32 & 7 != COMPOSITE {
            return None;
        }
        let words = (pointer >> 35) as usize;
        // Words from the end of the pointer, with a sign.
        let offset = (pointer as i32 >> 2) as isize;
        let begin = at.checked_add(8)?.checked_add_signed(offset.checked_mul(8)?)?;
        let (tag, elements) = self.0.get(begin..)?.split_first_chunk()?;
        let elements = elements.get(..words.checked_mul(8)?)?;
        let tag = u64::from_le_bytes(*tag);
        let count = (tag as u32 >> 2) as usize;
        let (data, pointers) = ((tag >> 32) as u16, (tag >> 48) as usize);
        let data = 8 * usize::from(data);
        let step = data + 8 * pointers;
        // Elements of no size could be any number.
        if tag & KIND != STRUCT || step == 0 {
            return None;
        }
        let bytes = elements.get(..count.checked_mul(step)?)?;
        Some(Structs { bytes, step, data, words: words + 1 })
    }
}

impl<'a> Structs<'a> {
    const NONE: Self = Structs { bytes: &[], step: 8, data: 0, words: 0 };

    /// What the list takes of the message.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// The first bytes of each element, if all have so many besides pointers.
    #[inline(always)]
    pub(super) fn data<const N: usize>(
        &self,
    ) -> Option<impl Iterator<Item = &'a [u8; N]> + use<'a, N>> {
        let (mut rest, step) = (self.bytes, self.step);
        let is_whole = rest.is_empty() || self.data >= N;
        // Iterators over chunks divide by their length at first.
        is_whole.then_some(iter::from_fn(move || {
            let (element, behind) = rest.split_at_checked(step)?;
            rest = behind;
            element.first_chunk()
        }))
    }
}
