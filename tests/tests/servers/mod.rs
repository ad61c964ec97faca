//! Why it is down, asked of servers that the world runs: Debian's nginx, Apache, HAProxy, Varnish, PHP-FPM
//! and Node, broken as they break.

mod cases;
mod house;
mod story;
mod texts;
