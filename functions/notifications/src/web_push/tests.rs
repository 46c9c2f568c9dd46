//! The vector of RFC 8291, and the receiver's side written anew.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as VerifyingKey};
use types::secret::Secret;

use super::*;

// RFC 8291, Appendix A.
const PLAINTEXT: &[u8] = b"When I grow up, I want to be a watermelon";
const SENDER_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const RECEIVER_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const BODY: &str = "\
    DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
    EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

fn private(text: &str) -> PrivateKey {
    PrivateKey::from_private_key(&ECDH_P256, &LENIENT.decode(text).unwrap()).unwrap()
}

fn receiver(auth: [u8; 16]) -> (PrivateKey, Keys) {
    let private = PrivateKey::generate(&ECDH_P256).unwrap();
    let p256dh = private.compute_public_key().unwrap().as_ref().try_into().unwrap();
    (private, Keys { p256dh, auth })
}

/// What a browser does with a body.
fn decrypt(private: &PrivateKey, keys: &Keys, body: &[u8]) -> Option<Vec<u8>> {
    let (header, record) = body.split_at_checked(HEADER_BYTES)?;
    let (salt, sender) = (header[..16].try_into().unwrap(), &header[21..]);
    assert_eq!(header[16..21], [0, 0, 16, 0, 65]);
    let peer = UnparsedPublicKey::new(&ECDH_P256, sender);
    let (key, nonce) = agree(private, peer, Unspecified, |secret| content_key(secret, keys, sender, salt)).ok()?;
    let mut record = record.to_vec();
    let padded = key.open_in_place(nonce, Aad::empty(), &mut record).ok()?;
    let end = padded.iter().rposition(|&byte| byte != 0)?;
    (padded[end] == LAST_RECORD).then(|| padded[..end].to_vec())
}

#[test]
fn the_rfcs_vector() {
    let keys = Keys::parse(P256DH, AUTH).unwrap();
    let salt = LENIENT.decode(SALT).unwrap().try_into().unwrap();
    let body = seal(&keys, PLAINTEXT, &salt, &private(SENDER_PRIVATE)).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(&body), BODY);
    assert_eq!(decrypt(&private(RECEIVER_PRIVATE), &keys, &body).as_deref(), Some(PLAINTEXT));
}

#[test]
fn the_receiver_reads_it_and_nobody_else() {
    let (private, keys) = receiver([7; 16]);
    for length in [0, 1, 100, MOST_PLAINTEXT_BYTES] {
        let plaintext = vec![2; length];
        let body = encrypt(&keys, &plaintext).unwrap();
        assert_eq!(body.len(), HEADER_BYTES + length + 1 + TAG_BYTES);
        assert_eq!(decrypt(&private, &keys, &body), Some(plaintext));
        let mut altered = body.clone();
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(decrypt(&private, &keys, &altered), None);
        assert_eq!(decrypt(&private, &Keys { auth: [8; 16], ..keys.clone() }, &body), None);
        assert_eq!(decrypt(&receiver([7; 16]).0, &keys, &body), None);
    }
    assert_eq!(MOST_PLAINTEXT_BYTES, 3993);
    assert_eq!(encrypt(&keys, &[0; 3994]), Err(EncryptError::TooLong));
    assert_ne!(encrypt(&keys, b"x"), encrypt(&keys, b"x"));
}

#[test]
fn malformed_keys() {
    assert_eq!(Keys::parse(&format!("{P256DH}="), &format!("{AUTH}==")), Keys::parse(P256DH, AUTH));
    let point = LENIENT.decode(P256DH).unwrap();
    let with = |index: usize, byte: u8| {
        let mut point = point.clone();
        point[index] = byte;
        URL_SAFE_NO_PAD.encode(point)
    };
    let compressed = URL_SAFE_NO_PAD.encode([&[2], &point[1..33]].concat());
    let zero = URL_SAFE_NO_PAD.encode([&[4_u8][..], &[0; 64]].concat());
    for p256dh in ["", "*", &P256DH[..86], &with(64, 0), &with(0, 6), &with(0, 5), &compressed, &zero] {
        assert_eq!(Keys::parse(p256dh, AUTH), Err(BadKeys), "{p256dh}");
    }
    for auth in ["", "BTBZMqHH6r4Tts7J_aSI", "BTBZMqHH6r4Tts7J_aSIggAA", "BTBZMqHH6r4Tts7J/aSIgg"] {
        assert_eq!(Keys::parse(P256DH, auth), Err(BadKeys), "{auth}");
    }
    let off_curve = Keys { p256dh: [4; POINT_BYTES], auth: [0; 16] };
    assert_eq!(encrypt(&off_curve, b"x"), Err(EncryptError::BadKeys(BadKeys)));
    assert_eq!(format!("{off_curve:?}"), "Keys(…)");
}

fn vapid(root: &str) -> Vapid {
    Vapid::new(&Secret::new(root).unwrap().key("web-push")).unwrap()
}

#[test]
fn a_vapid_token_verifies_with_the_key_beside_it() {
    let vapid = vapid("0123456789abcdef0123456789abcdef");
    let endpoint = Url::parse("https://push.example.net:443/p/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV?x").unwrap();
    let now = Instant::from_seconds(1_800_000_000);
    let text = vapid.authorization(&endpoint, "mailto:\"ops\"@example.com", now).unwrap();
    let (token, key) = text.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(key, vapid.public_key());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let verifying = VerifyingKey::new(&ECDSA_P256_SHA256_FIXED, URL_SAFE_NO_PAD.decode(key).unwrap());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert_eq!(signature.len(), 64);
    verifying.verify(signed.as_bytes(), &signature).unwrap();
    assert!(verifying.verify(b"other", &signature).is_err());

    let part =
        |text: &str| -> serde_json::Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap() };
    let (header, claims) = signed.split_once('.').unwrap();
    assert_eq!(part(header), serde_json::json!({"typ": "JWT", "alg": "ES256"}));
    let expected = serde_json::json!({
        "aud": "https://push.example.net",
        "exp": 1_800_043_200,
        "sub": "mailto:\"ops\"@example.com",
    });
    assert_eq!(part(claims), expected);
    assert!(vapid.authorization(&Url::parse("data:,x").unwrap(), "mailto:a@b", now).is_err());
}

#[test]
fn the_same_secret_is_the_same_sender() {
    let roots = ["0123456789abcdef0123456789abcdef", "1123456789abcdef0123456789abcdef"];
    assert_eq!(vapid(roots[0]).public_key(), vapid(roots[0]).public_key());
    assert_ne!(vapid(roots[0]).public_key(), vapid(roots[1]).public_key());
    assert_eq!(URL_SAFE_NO_PAD.decode(vapid(roots[0]).public_key()).unwrap()[0], 4);
    assert_eq!(format!("{:?}", vapid(roots[0])), "Vapid(…)");
}

/// What [`Vapid::new`] relies on to pass over strings that are no scalar.
#[test]
fn no_scalar_is_no_key() {
    for bytes in [[0; 32], [0xff; 32]] {
        assert!(PrivateKey::from_private_key(&ECDH_P256, &bytes).is_err());
    }
}
