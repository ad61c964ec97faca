//! Numbers that look drawn by lot, and are the same for the same seed.

/// What is left to draw.
pub struct Lot(pub u64);

impl Lot {
    /// A number below that.
    pub fn draw(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below.max(1)
    }

    /// Puts them in another order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.draw(last + 1));
        }
    }
}
