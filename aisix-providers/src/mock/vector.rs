//! Vectors that are the same for the same input, and of length one.

use aisix_core::conversation::{EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse, Usage};
use aisix_core::error::{Error, Result};

pub(super) fn embed(request: &EmbeddingsRequest, model: &str) -> Result<EmbeddingsResponse> {
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS) as usize;
    if !(1..=MOST_DIMENSIONS).contains(&dimensions) {
        let message = format!("'dimensions' must be from 1 to {MOST_DIMENSIONS}.");
        return Err(Error::invalid_request(message).with_param("dimensions"));
    }
    if request.input.len() > MOST_INPUTS {
        let message = format!("'input' must hold at most {MOST_INPUTS} items.");
        return Err(Error::invalid_request(message).with_param("input"));
    }
    let bytes = |tokens: &[u32]| {
        tokens
            .iter()
            .flat_map(|token| token.to_le_bytes())
            .collect()
    };
    let inputs: Vec<Vec<u8>> = match &request.input {
        EmbeddingInput::Text(text) => vec![text.as_bytes().to_vec()],
        EmbeddingInput::Texts(texts) => texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
        EmbeddingInput::Tokens(tokens) => vec![bytes(tokens)],
        EmbeddingInput::TokenLists(lists) => lists.iter().map(|tokens| bytes(tokens)).collect(),
        _ => {
            return Err(Error::unsupported(
                "input",
                "The mock does not take this input.",
            ));
        }
    };
    let tokens = inputs
        .iter()
        .map(|input| input.len().div_ceil(4) as u64)
        .sum();
    let vectors = inputs.iter().map(|input| vector(input, dimensions));
    Ok(EmbeddingsResponse::new(model, vectors).with_usage(Usage::new(tokens, 0)))
}

fn vector(input: &[u8], dimensions: usize) -> Vec<f32> {
    let mut state = fnv1a(input);
    let raw: Vec<f32> = std::iter::repeat_with(|| {
        state = xorshift(state);
        // Sixteen bits, so that the numbers are exact in 32-bit floats.
        f32::from(i16::from_le_bytes([
            (state >> 24) as u8,
            (state >> 32) as u8,
        ]))
    })
    .take(dimensions)
    .collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt().max(1.0);
    raw.into_iter().map(|x| x / length).collect()
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn xorshift(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ (state << 17)
}

const DIMENSIONS: u32 = 256;
const MOST_DIMENSIONS: usize = 8192;

/// As at OpenAI.
const MOST_INPUTS: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_same_vector_for_the_same_input() {
        let (one, again, other) = (vector(b"one", 8), vector(b"one", 8), vector(b"two", 8));
        assert_eq!(one, again);
        assert_ne!(one, other);
        let length: f32 = one.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
}
