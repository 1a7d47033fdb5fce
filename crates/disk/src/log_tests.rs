//! Logs that are cut, read while they grow, and found damaged.

use super::*;

/// Reads to the end and returns each piece with the offset that it begins at.
fn read(dir: &Path, from: u64) -> Vec<(u64, String)> {
    let mut reader = LogReader::new(dir, from);
    let mut all = Vec::new();
    read_on(&mut reader, &mut all);
    all
}

fn read_on(reader: &mut LogReader, all: &mut Vec<(u64, String)>) {
    let mut buffer = [0; 1 << 10];
    loop {
        let at = reader.offset();
        match reader.read(&mut buffer).unwrap() {
            Piece::Bytes(count) => {
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                match all.last_mut() {
                    Some((start, before)) if *start + before.len() as u64 == at => {
                        before.push_str(&text);
                    }
                    Some(_) | None => all.push((at, text)),
                }
            }
            Piece::Cut { next } => {
                assert!(next > at, "{next} {at}");
                reader.skip_to(next);
            }
            Piece::End => return,
        }
    }
}

#[test]
fn a_log_keeps_its_end_and_absolute_offsets() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("log");
    assert_eq!(span(&dir).unwrap(), 0..0);
    assert_eq!(read(&dir, 7), []);
    let mut log = LogWriter::open(&dir, Bytes::new(80)).unwrap();
    let mut whole = String::new();
    for number in 0..100 {
        let line = format!("line {number}\n");
        whole.push_str(&line);
        log.append(line.as_bytes()).unwrap();
        let kept = span(&dir).unwrap();
        assert_eq!(kept.end, whole.len() as u64);
        let length = kept.end - kept.start;
        assert!(length <= 80 && length >= kept.end.min(60), "{length}");
        let from = usize::try_from(kept.start).unwrap();
        assert_eq!(read(&dir, 0), [(kept.start, whole[from..].to_owned())]);
        if number % 7 == 0 {
            // Another process goes on where the last one ended.
            log = LogWriter::open(&dir, Bytes::new(80)).unwrap();
        }
    }
    let end = whole.len() as u64;
    assert_eq!(log.end(), end);
    assert_eq!(read(&dir, end), []);
    assert_eq!(read(&dir, end - 3), [(end - 3, "99\n".to_owned())]);
}

#[test]
fn a_reader_that_is_overtaken_hears_where_the_log_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(place.path(), Bytes::new(80)).unwrap();
    log.append(b"0123456").unwrap();
    let mut reader = LogReader::new(place.path(), 0);
    let mut all = Vec::new();
    read_on(&mut reader, &mut all);
    for _ in 0..30 {
        log.append(b"abcdefg").unwrap();
    }
    read_on(&mut reader, &mut all);
    // The segment that it had open, then what is left.
    let kept = span(place.path()).unwrap();
    assert_eq!(all[0], (0, "0123456abc".to_owned()));
    assert_eq!(all[1].0, kept.start);
    assert_eq!(all[1].1.len() as u64, kept.end - kept.start);
    assert_eq!(all.len(), 2);
}

#[test]
fn what_was_lost_before_it_came_is_a_gap() {
    let place = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(place.path(), Bytes::new(80)).unwrap();
    log.append(b"abc").unwrap();
    log.skip_to(50).unwrap();
    log.append(b"def").unwrap();
    let found = [(0, "abc".to_owned()), (50, "def".to_owned())];
    assert_eq!(read(place.path(), 0), found);
    assert_eq!(read(place.path(), 20), found[1..]);
    assert_eq!(span(place.path()).unwrap(), 0..53);
}

#[test]
fn a_cleared_log_still_says_where_it_ended() {
    let place = tempfile::tempdir().unwrap();
    let mut log = LogWriter::open(place.path(), Bytes::new(80)).unwrap();
    log.append(&[b'x'; 300]).unwrap();
    drop(log);
    for _ in 0..2 {
        clear(place.path()).unwrap();
        assert_eq!(span(place.path()).unwrap(), 300..300);
        assert_eq!(size_on_disk(place.path()).unwrap(), 0);
    }
    let mut reader = LogReader::new(place.path(), 0);
    assert_eq!(reader.read(&mut [0; 8]).unwrap(), Piece::Cut { next: 300 });
    let mut log = LogWriter::open(place.path(), Bytes::new(80)).unwrap();
    log.append(b"more").unwrap();
    assert_eq!(read(place.path(), 0), [(300, "more".to_owned())]);
}
