//! QR codes (ISO/IEC 18004) of short URLs.

use fast_qr::qr::{QRBuilder, QRCode};
use fast_qr::{ECL, Module};
use schemars::JsonSchema;
use serde::Deserialize;
use types::Fault;

/// How much of the picture may be lost: 7, 15, 25 or 30 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Level {
    L,
    #[default]
    M,
    Q,
    H,
}

/// A picture of modules, with a quiet margin around it.
#[derive(Debug)]
pub struct Picture {
    code: QRCode,
    margin: usize,
}

impl Picture {
    /// The picture of `text`; the standard asks for a margin of 4 modules.
    ///
    /// # Errors
    /// When the text is too long for any QR code (some 1,200 bytes at level H).
    pub fn of(text: &str, level: Level, margin: u8) -> Result<Self, Fault> {
        let level = match level {
            Level::L => ECL::L,
            Level::M => ECL::M,
            Level::Q => ECL::Q,
            Level::H => ECL::H,
        };
        let code = QRBuilder::new(text).ecl(level).build();
        let code = code.map_err(|e| Fault::permanent(format!("a QR code of {} bytes: {e}", text.len())))?;
        Ok(Self { code, margin: usize::from(margin) })
    }

    fn modules(&self) -> usize {
        self.code.size + 2 * self.margin
    }

    fn dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(self.margin).filter(|&at| at < self.code.size);
        let module = inside(x).zip(inside(y)).map(|(x, y)| self.code[y][x]);
        module.is_some_and(|module| module.value() == Module::DARK)
    }

    /// As SVG, `size` pixels wide unless scaled.
    pub fn svg(&self, size: u16) -> String {
        let modules = self.modules();
        let mut path = String::new();
        for y in 0..modules {
            for x in (0..modules).filter(|&x| self.dark(x, y)) {
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{size}\" \
             viewBox=\"0 0 {modules} {modules}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{modules}v{modules}H0z\"/><path d=\"{path}\"/></svg>"
        )
    }

    /// As PNG, `size` pixels wide: modules are whole pixels, and what is left over is margin. A `size` below one pixel
    /// a module is too small to be read, and is raised to that.
    ///
    /// # Errors
    /// Our failure.
    pub fn png(&self, size: u16) -> Result<Vec<u8>, Fault> {
        let modules = self.modules();
        let size = usize::from(size).max(modules);
        let (pixels, rest) = (size / modules, size % modules / 2);
        let dark = |at: usize| at.checked_sub(rest).map(|at| at / pixels);
        let row_bytes = size.div_ceil(8);
        let mut bits = vec![0xff_u8; row_bytes * size];
        for y in 0..size {
            for x in 0..size {
                if dark(x).zip(dark(y)).is_some_and(|(x, y)| self.dark(x, y)) {
                    bits[y * row_bytes + x / 8] &= !(0x80 >> (x % 8));
                }
            }
        }
        let failed = |error: png::EncodingError| Fault::permanent("writing a PNG").caused_by(error);
        let mut bytes = Vec::new();
        let side = u32::try_from(size).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut bytes, side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&bits).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_forms_are_the_same_picture() {
        let picture = Picture::of("https://s.example/cat", Level::H, 4).unwrap();
        let png = picture.png(500).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
        let mut bits = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bits).unwrap();
        assert_eq!((info.width, info.height), (500, 500));
        let (modules, svg) = (picture.modules(), picture.svg(300));
        let (pixels, rest) = (500 / modules, 500 % modules / 2);
        for y in 0..modules {
            for x in 0..modules {
                let (px, py) = (rest + x * pixels, rest + y * pixels);
                let dark = bits[py * 500_usize.div_ceil(8) + px / 8] & (0x80 >> (px % 8)) == 0;
                assert_eq!(dark, svg.contains(&format!("M{x} {y}h1")), "module {x} {y}");
                assert!(!dark || ((4..modules - 4).contains(&x) && (4..modules - 4).contains(&y)), "a quiet margin");
            }
        }
        assert!(svg.contains("M4 4h1v1h-1z"), "the first finder begins after the margin");
    }
}
