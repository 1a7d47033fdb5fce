//! Data to send: the same bytes in every run.

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const SMALL_FILES: usize = 20_000;
const FILES_PER_DIRECTORY: usize = 200;
const SMALL_BYTES: std::ops::Range<usize> = 200..8_000;
const LARGE_BYTES: usize = 2 << 30;

/// Writes 20,000 small files of text, as a source tree or a data set of captions has them.
pub(crate) fn small_files(directory: &Path) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(1);
    for number in 0..SMALL_FILES {
        let part = directory.join(format!("{:03}", number / FILES_PER_DIRECTORY));
        if number % FILES_PER_DIRECTORY == 0 {
            std::fs::create_dir_all(&part)?;
        }
        let mut text = Vec::new();
        let length = rng.random_range(SMALL_BYTES);
        while text.len() < length {
            writeln!(text, "a line of some text {:016x}", rng.next_u64())?;
        }
        std::fs::write(part.join(format!("{number:05}.txt")), &text)?;
    }
    Ok(())
}

/// Writes one file of 2 GiB that does not compress, as model weights do not.
pub(crate) fn large_file(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut rng = StdRng::seed_from_u64(2);
    let mut file = BufWriter::new(File::create(directory.join("weights.bin"))?);
    let mut block = vec![0; 1 << 20];
    for _ in 0..LARGE_BYTES / block.len() {
        rng.fill_bytes(&mut block);
        file.write_all(&block)?;
    }
    file.flush()?;
    Ok(())
}
