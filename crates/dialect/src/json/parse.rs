//! The grammar of JSON (RFC 8259), one function for each of its parts.

use std::num::NonZeroU32;

use super::{DEPTH_MAX, JsonFault, Kind, NODES_MAX, Node, Slice, Tape};

/// Beyond this a double no longer holds every whole number.
pub(super) const WHOLE_MAX: u64 = 1 << 53;

/// Digits that a `u64` always holds.
const DIGITS_MAX: usize = 19;

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Writes a text onto a tape.
pub(super) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tape: &'a mut Tape,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, tape: &'a mut Tape) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, tape }
    }

    pub(super) fn document(&mut self) -> Result<(), JsonFault> {
        self.value(Slice::default(), 0)?;
        self.skip_blanks();
        if self.at < self.text.len() { Err(JsonFault::Malformed) } else { Ok(()) }
    }

    fn value(&mut self, key: Slice, depth: usize) -> Result<(), JsonFault> {
        self.skip_blanks();
        let start = self.at;
        let slot = self.reserve(key);
        let node = match self.peek() {
            b'"' => {
                let text = self.string()?;
                Node { kind: Kind::Text, text, ..Node::EMPTY }
            }
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b't' => self.word("true", Kind::Boolean, 1.0)?,
            b'f' => self.word("false", Kind::Boolean, 0.0)?,
            b'n' => self.word("null", Kind::Null, 0.0)?,
            _ => self.number()?,
        };
        let raw = self.written(start);
        let next = index(self.tape.nodes.len());
        if let Some(slot) = slot.and_then(|slot| self.tape.nodes.get_mut(slot.get() as usize - 1)) {
            *slot = Node { key, raw, next, ..node };
        }
        Ok(())
    }

    /// One more than the place of the node, so that an `Option` of it is as small as itself.
    fn reserve(&mut self, key: Slice) -> Option<NonZeroU32> {
        if self.tape.nodes.len() >= NODES_MAX {
            self.tape.cut = true;
            return None;
        }
        self.tape.nodes.push(Node { key, ..Node::EMPTY });
        NonZeroU32::new(index(self.tape.nodes.len()))
    }

    fn object(&mut self, depth: usize) -> Result<Node, JsonFault> {
        self.open(depth)?;
        let mut count = 0;
        if self.eat_after_blanks(b'}') {
            return Ok(Node { kind: Kind::Object, ..Node::EMPTY });
        }
        loop {
            self.skip_blanks();
            if self.peek() != b'"' {
                return Err(JsonFault::Malformed);
            }
            let key = self.string()?;
            if !self.eat_after_blanks(b':') {
                return Err(JsonFault::Malformed);
            }
            self.value(key, depth + 1)?;
            count += 1;
            if self.eat_after_blanks(b'}') {
                return Ok(Node { kind: Kind::Object, count, ..Node::EMPTY });
            }
            if !self.eat(b',') {
                return Err(JsonFault::Malformed);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node, JsonFault> {
        self.open(depth)?;
        let mut count = 0;
        if self.eat_after_blanks(b']') {
            return Ok(Node { kind: Kind::Array, ..Node::EMPTY });
        }
        loop {
            self.value(Slice::default(), depth + 1)?;
            count += 1;
            if self.eat_after_blanks(b']') {
                return Ok(Node { kind: Kind::Array, count, ..Node::EMPTY });
            }
            if !self.eat(b',') {
                return Err(JsonFault::Malformed);
            }
        }
    }

    fn open(&mut self, depth: usize) -> Result<(), JsonFault> {
        self.at += 1;
        if depth >= DEPTH_MAX { Err(JsonFault::TooDeep) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, kind: Kind, number: f64) -> Result<Node, JsonFault> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(JsonFault::Malformed);
        }
        self.at += word.len();
        Ok(Node { kind, number, ..Node::EMPTY })
    }

    //= rfc8259#section-6
    fn number(&mut self) -> Result<Node, JsonFault> {
        let start = self.at;
        let negative = self.eat(b'-');
        let mut mantissa = 0_u64;
        let leading_zero = self.peek() == b'0';
        let mut digits = self.digits(&mut mantissa)?;
        if leading_zero && digits > 1 {
            return Err(JsonFault::Malformed);
        }
        let mut scale = 0_i32;
        let whole = !matches!(self.peek(), b'.' | b'e' | b'E');
        if self.eat(b'.') {
            let fraction = self.digits(&mut mantissa)?;
            digits += fraction;
            scale = i32::try_from(fraction).map_or(i32::MIN, |fraction| -fraction);
        }
        if self.eat(b'e') || self.eat(b'E') {
            scale = scale.saturating_add(self.exponent()?);
        }
        let exact = digits <= DIGITS_MAX && mantissa <= WHOLE_MAX;
        let number = match exact.then(|| scaled(mantissa, scale)).flatten() {
            Some(number) if negative => -number,
            Some(number) => number,
            None => self.slow_number(start)?,
        };
        let by_digits = !number.is_finite() || (whole && !exact);
        let kind = if by_digits { Kind::Digits } else { Kind::Number };
        Ok(Node { kind, number, ..Node::EMPTY })
    }

    fn slow_number(&self, start: usize) -> Result<f64, JsonFault> {
        let written = self.text.get(start..self.at).unwrap_or_default();
        written.parse().map_err(|_fault| JsonFault::Malformed)
    }

    /// At least one digit, taken into `mantissa`; how many. The mantissa is worth nothing when there
    /// are more than `DIGITS_MAX`.
    fn digits(&mut self, mantissa: &mut u64) -> Result<usize, JsonFault> {
        let start = self.at;
        while let digit @ b'0'..=b'9' = self.peek() {
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        if self.at == start { Err(JsonFault::Malformed) } else { Ok(self.at - start) }
    }

    fn exponent(&mut self) -> Result<i32, JsonFault> {
        let negative = self.eat(b'-');
        if !negative {
            self.eat(b'+');
        }
        let mut power = 0_u64;
        let digits = self.digits(&mut power)?;
        let power = i32::try_from(power).ok().filter(|_| digits < 9).unwrap_or(i32::MAX);
        Ok(if negative { -power } else { power })
    }

    //= rfc8259#section-7
    fn string(&mut self) -> Result<Slice, JsonFault> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                b'"' => {
                    let slice = self.written(start);
                    self.at += 1;
                    return Ok(slice);
                }
                b'\\' => return self.escaped_string(start),
                // The end of the text reads as 0, too.
                0..=0x1f => return Err(JsonFault::Malformed),
                _ => self.at += 1,
            }
        }
    }

    fn escaped_string(&mut self, start: usize) -> Result<Slice, JsonFault> {
        let begin = index(self.tape.unescaped.len());
        let mut plain = start;
        loop {
            match self.peek() {
                b'"' => break,
                b'\\' => {
                    self.keep(plain);
                    let letter = self.escape()?;
                    self.tape.unescaped.push(letter);
                    plain = self.at;
                }
                0..=0x1f => return Err(JsonFault::Malformed),
                _ => self.at += 1,
            }
        }
        self.keep(plain);
        self.at += 1;
        Ok(Slice { start: begin, end: index(self.tape.unescaped.len()), unescaped: true })
    }

    fn keep(&mut self, from: usize) {
        let plain = self.text.get(from..self.at).unwrap_or_default();
        self.tape.unescaped.push_str(plain);
    }

    fn escape(&mut self) -> Result<char, JsonFault> {
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.code_point()?,
            _ => return Err(JsonFault::Malformed),
        })
    }

    fn code_point(&mut self) -> Result<char, JsonFault> {
        let first = self.hex()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !(self.eat(b'\\') && self.eat(b'u')) {
                    return Err(JsonFault::Malformed);
                }
                let second = self.hex()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return Err(JsonFault::Malformed);
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or(JsonFault::Malformed)
    }

    fn hex(&mut self) -> Result<u32, JsonFault> {
        (0..4).try_fold(0, |code, _| {
            let digit = char::from(self.peek()).to_digit(16).ok_or(JsonFault::Malformed)?;
            self.at += 1;
            Ok(code << 4 | digit)
        })
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn eat_after_blanks(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        self.eat(byte)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// 0 at the end, which is a legal byte nowhere.
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn written(&self, start: usize) -> Slice {
        Slice { start: index(start), end: index(self.at), unescaped: false }
    }
}

/// Exact, because both factors are doubles and there is one rounding (Clinger, 1990).
fn scaled(mantissa: u64, scale: i32) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "the caller checked that it is below 2^53")]
    let mantissa = mantissa as f64;
    let power = POWERS.get(scale.unsigned_abs() as usize)?;
    Some(if scale < 0 { mantissa / power } else { mantissa * power })
}

/// The payload limit keeps documents far below 4 GiB.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
