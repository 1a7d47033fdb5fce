//! Places: every provider writes them in its own way, and people ask for words of them.
//!
//! A place is cut into words: `EU-RO-1` is `eu ro 1`, `europe-west4` is `europe west4`, and
//! `Sweden, SE` is `sweden se`. What is asked for must begin at the beginning of a word, so
//! `US-TX` finds `US-TX-3` and `europe` finds `europe-west4`. A code of two letters must be a
//! whole word: `IN` is India, and not Indiana. A continent (EU, NA, SA, AS, AF, OC) also finds
//! what lies in it, by the country's code or the cloud's own name for the area.

/// The six continents, by the code that Vast.ai uses, with the ISO codes of their countries.
const CONTINENTS: [(&str, &str); 6] = [
    (
        "eu",
        "ad al at ax ba be bg by ch cy cz de dk ee es fi fo fr gb gg gi gr hr hu ie im is it je li \
         lt lu lv mc md me mk mt nl no pl pt ro rs ru se si sj sk sm ua uk va xk",
    ),
    (
        "na",
        "ag ai aw bb bl bm bq bs bz ca cr cu cw dm do gd gl gp gt hn ht jm kn ky lc mf mq ms mx ni \
         pa pm pr sv sx tc tt us vc vg vi",
    ),
    ("sa", "ar bo br cl co ec fk gf gy pe py sr uy ve"),
    (
        "as",
        "ae af am az bd bh bn bt cn ge hk id il in iq ir jo jp kg kh kp kr kw kz la lb lk mm mn mo \
         mv my np om ph pk ps qa sa sg sy th tj tl tm tr tw uz vn ye",
    ),
    (
        "af",
        "ao bf bi bj bw cd cf cg ci cm cv dj dz eg eh er et ga gh gm gn gq gw ke km lr ls ly ma mg \
         ml mr mu mw mz na ne ng re rw sc sd sh sl sn so ss st sz td tg tn tz ug za zm zw",
    ),
    (
        "oc",
        "as au ck fj fm gu ki mh mp nc nf nr nu nz pf pg pn pw sb tk to tv vu wf ws",
    ),
];

/// What clouds call an area with its first word, or its first two.
const AREAS: [(&str, &str); 12] = [
    ("africa", "af"),
    ("af south", "af"),
    ("asia", "as"),
    ("ap southeast 2", "oc"),
    ("ap southeast 4", "oc"),
    ("ap", "as"),
    ("me", "as"),
    ("australia", "oc"),
    ("europe", "eu"),
    ("northamerica", "na"),
    ("sa", "sa"),
    ("southamerica", "sa"),
];

/// Cuts a place into its words, in lower case with one blank between them.
pub(super) fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// Returns whether the place, in its provider's own words, is what was asked for, cut into words.
pub(super) fn lies_in(place: &str, wanted: &str) -> bool {
    let text = words(place);
    let is_code = wanted.len() <= 2;
    let mut starts = text.match_indices(wanted).map(|(at, _)| at);
    let found = starts.any(|at| {
        let begins = at == 0 || text.as_bytes()[at - 1] == b' ';
        let rest = &text[at + wanted.len()..];
        begins && (!is_code || rest.is_empty() || rest.starts_with(' '))
    });
    found || continent(place, &text) == Some(wanted)
}

/// Returns the continent's code, as far as the text tells.
fn continent(place: &str, words: &str) -> Option<&'static str> {
    let begins = |area: &str| {
        words
            .strip_prefix(area)
            .is_some_and(|r| !r.starts_with(char::is_alphanumeric))
    };
    if let Some((_, code)) = AREAS.iter().find(|(area, _)| begins(area)) {
        return Some(code);
    }
    // Only in these two positions is a word of two letters surely a country: `US-GA-1` is
    // Georgia's and not Gabon's.
    let country = match place.rsplit_once(',') {
        Some((_, country)) => country.trim().to_lowercase(),
        None => words.split(' ').next().unwrap_or_default().to_owned(),
    };
    let of = |(_, countries): &&(&str, &str)| countries.split(' ').any(|code| code == country);
    CONTINENTS.iter().find(of).map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_words_and_continents() {
        for (place, wanted) in [
            ("EU-RO-1", "EU"),
            ("EU-RO-1", "eu-ro"),
            ("EU-RO-1", "RO"),
            ("eu-west-1", "EU"),
            ("europe-west4", "EU"),
            ("europe-west4", "europe"),
            ("Sweden, SE", "EU"),
            ("Sweden, SE", "SE"),
            ("Sweden, SE", "Sweden"),
            ("Texas, US", "NA"),
            ("US-TX-3", "US"),
            ("us-east-1", "us-east"),
            ("us-east-1", "NA"),
            ("ap-northeast-1", "AS"),
            ("ap-southeast-2", "OC"),
            ("sa-east-1", "SA"),
            ("Paris, FR", "eu"),
            ("East Coast (NY2)", "NY2"),
            ("europe-west4", "west"),
        ] {
            assert!(lies_in(place, &words(wanted)), "{place} {wanted}");
        }
    }

    #[test]
    fn places_elsewhere_are_not_found() {
        for (place, wanted) in [
            ("US-GA-1", "AF"),
            ("Indiana, US", "IN"),
            ("us-east-1", "EU"),
            ("europe-west4", "we"),
            ("Austria, AT", "us"),
            ("me-central-1", "EU"),
            ("", "EU"),
        ] {
            assert!(!lies_in(place, &words(wanted)), "{place} {wanted}");
        }
    }
}
