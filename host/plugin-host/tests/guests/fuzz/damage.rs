//! Ways to damage a component.

use domain::hooks::Hook;
use fastrand::Rng;

/// A component that was built: its name, its bytes, its hook.
pub type Sound = (String, Vec<u8>, Hook);

/// What the number stands for: the name of a component, the component damaged, and how.
pub fn pick(seed: u64, sound: &[Sound]) -> (&str, Vec<u8>, String) {
    let mut random = Rng::with_seed(seed);
    let (name, wasm, _) = &sound[random.usize(..sound.len())];
    let mut wasm = wasm.clone();
    let mut what = Vec::new();
    // Mostly one fault: several at once hide each other.
    for _ in 0..if random.u8(..8) == 0 { 3 } else { 1 } {
        what.push(damage(&mut random, &mut wasm, sound));
    }
    (name, wasm, what.join(", "))
}

fn damage(random: &mut Rng, wasm: &mut Vec<u8>, sound: &[Sound]) -> String {
    if wasm.len() < 16 {
        return "too short to be damaged further".to_owned();
    }
    let at = random.usize(8..wasm.len());
    let length = random.usize(1..=16).min(wasm.len() - at);
    match random.u8(..11) {
        0 => {
            wasm.truncate(at);
            format!("cut at {at}")
        }
        // More often than the rest: what is flipped within code or data passes the inspection and goes on.
        1..=3 => {
            let bits: Vec<_> = (0..random.usize(1..=8)).map(|_| random.usize(64..wasm.len() * 8)).collect();
            bits.iter().for_each(|bit| wasm[bit / 8] ^= 1 << (bit % 8));
            format!("flipped bits {bits:?}")
        }
        4 => {
            let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            wasm.splice(at..at, bytes);
            format!("{length} bytes put in at {at}")
        }
        5 => {
            wasm.drain(at..at + length);
            format!("{length} bytes taken out at {at}")
        }
        6 => {
            let byte = *random.choice(&[0, 0x7f, 0x80, 0xff]).expect("there are four");
            wasm[at..at + length].fill(byte);
            format!("{length} bytes at {at} are {byte:#x}")
        }
        7 => sections(random, wasm, "swapped", |sections, one, other| sections.swap(one, other)),
        8 => sections(random, wasm, "one twice", |sections, one, other| {
            let again = sections[one].clone();
            sections.insert(other, again);
        }),
        9 => sections(random, wasm, "one left out", |sections, one, _| drop(sections.remove(one))),
        _ => {
            let (other, tail, _) = &sound[random.usize(..sound.len())];
            let from = random.usize(8..tail.len());
            wasm.truncate(at);
            wasm.extend_from_slice(&tail[from..]);
            format!("from {at} on {other} from {from} on")
        }
    }
}

/// Does something to the outermost sections.
fn sections(
    random: &mut Rng,
    wasm: &mut Vec<u8>,
    what: &str,
    change: impl FnOnce(&mut Vec<Vec<u8>>, usize, usize),
) -> String {
    let mut sections = Vec::new();
    let mut at = 8;
    // What an earlier damage has made of the lengths is taken as it is.
    while at < wasm.len() {
        let end = section_end(wasm, at).unwrap_or(wasm.len()).clamp(at + 1, wasm.len());
        sections.push(wasm[at..end].to_vec());
        at = end;
    }
    let (one, other) = (random.usize(..sections.len()), random.usize(..sections.len()));
    change(&mut sections, one, other);
    wasm.truncate(8);
    wasm.extend(sections.concat());
    format!("sections {one} and {other}: {what}")
}

/// Where the section ends that begins with its number here.
fn section_end(wasm: &[u8], at: usize) -> Option<usize> {
    let (mut length, mut shift) = (0usize, 0);
    for (index, byte) in wasm.iter().enumerate().skip(at + 1).take(5) {
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return (index + 1).checked_add(length);
        }
    }
    None
}
