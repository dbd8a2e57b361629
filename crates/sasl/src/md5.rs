//! MD5 (RFC 1321) with its chaining state open, because CRAM-MD5 keeps states instead of passwords.
//!
//! ```text
//! state  = four 32-bit words A B C D, little-endian
//! block  = 64 bytes
//! digest = state after message, 0x80, zeros, and the length in bits as 64 bits little-endian
//! ```

/// The length of a block, in bytes.
pub(crate) const BLOCK_BYTES: usize = 64;
/// The length of a state and of a digest, in bytes.
pub(crate) const STATE_BYTES: usize = 16;

/// The chaining state between two blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State([u32; 4]);

impl State {
    /// The state before the first block (RFC 1321 §3.3).
    pub(crate) const INITIAL: Self = Self([0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]);

    pub(crate) fn from_bytes(bytes: &[u8; STATE_BYTES]) -> Self {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        }
        Self(words)
    }

    pub(crate) fn to_bytes(self) -> [u8; STATE_BYTES] {
        let mut bytes = [0; STATE_BYTES];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The state after one more block (RFC 1321 §3.4).
    #[must_use]
    pub(crate) fn compress(self, block: &[u8; BLOCK_BYTES]) -> Self {
        let mut words = [0u32; 16];
        for (word, chunk) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        }
        let [mut a, mut b, mut c, mut d] = self.0;
        for step in 0..64 {
            let (mixed, word) = match step / 16 {
                0 => ((b & c) | (!b & d), step),
                1 => ((b & d) | (c & !d), (5 * step + 1) % 16),
                2 => (b ^ c ^ d, (3 * step + 5) % 16),
                _ => (c ^ (b | !d), (7 * step) % 16),
            };
            let sum = a.wrapping_add(mixed).wrapping_add(SINES[step]).wrapping_add(words[word]);
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(sum.rotate_left(SHIFTS[step / 16][step % 4]));
        }
        let [a0, b0, c0, d0] = self.0;
        Self([a0.wrapping_add(a), b0.wrapping_add(b), c0.wrapping_add(c), d0.wrapping_add(d)])
    }

    /// The digest of a message of which `hashed_bytes`, whole blocks, are already in this state and `rest` follows.
    pub(crate) fn finish(self, hashed_bytes: u64, rest: &[u8]) -> [u8; STATE_BYTES] {
        let bits = (hashed_bytes + rest.len() as u64).wrapping_mul(8);
        let (blocks, tail) = rest.as_chunks::<BLOCK_BYTES>();
        let mut state = blocks.iter().fold(self, Self::compress);
        let mut block = [0; BLOCK_BYTES];
        block[..tail.len()].copy_from_slice(tail);
        block[tail.len()] = 0x80;
        if tail.len() >= BLOCK_BYTES - 8 {
            state = state.compress(&block);
            block = [0; BLOCK_BYTES];
        }
        block[BLOCK_BYTES - 8..].copy_from_slice(&bits.to_le_bytes());
        state.compress(&block).to_bytes()
    }
}

/// The digest of a whole message.
pub(crate) fn digest(message: &[u8]) -> [u8; STATE_BYTES] {
    State::INITIAL.finish(0, message)
}

/// The rotations of the four rounds (RFC 1321 §3.4).
const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The integer part of 4294967296 times abs(sin(i)), i in radians from 1 (RFC 1321 §3.4).
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee,
    0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be,
    0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa,
    0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed,
    0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c,
    0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05,
    0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039,
    0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1,
    0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

#[cfg(test)]
mod tests {
    use super::*;
    use md5::Digest as _;
    use proptest::prelude::*;

    #[test]
    fn digests_of_rfc_1321() {
        #[track_caller]
        fn check(message: &str, expected: u128) {
            assert_eq!(digest(message.as_bytes()), expected.to_be_bytes(), "{message}");
        }
        // RFC 1321 §A.5.
        check("", 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
        check("a", 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
        check("abc", 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72);
        check("message digest", 0xf96b_697d_7cb7_938d_525a_2f31_aaf1_61d0);
        check("abcdefghijklmnopqrstuvwxyz", 0xc3fc_d3d7_6192_e400_7dfb_496c_ca67_e13b);
        check(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            0xd174_ab98_d277_d9f5_a561_1c2c_9f41_9d9f,
        );
        check(&"1234567890".repeat(8), 0x57ed_f4a2_2be3_c955_ac49_da2e_2107_b67a);
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(message in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(&digest(&message)[..], &md5::Md5::digest(&message)[..]);
        }
    }

    #[test]
    fn states_read_back() {
        let state = State::INITIAL.compress(&[7; BLOCK_BYTES]);
        assert!(State::from_bytes(&state.to_bytes()) == state);
    }
}
