//! What most stories open with: a database, a mail server, a telephone provider, and a site that is fine.

use testkit::SwitchableSite;
use testkit::telephony::{Fate, Telephony};

use super::database::StoryDatabase;
use super::mail::MailServer;
use super::program::Settings;

/// All of it; the settings name the database and the others.
pub struct Stage {
    /// Takes its mails.
    pub mail: MailServer,
    /// Takes its texts; each arrives.
    pub phone: Telephony,
    /// Somebody's site.
    pub site: SwitchableSite,
    /// For the program.
    pub settings: Settings,
}

impl Stage {
    /// Sets it.
    pub async fn set() -> Self {
        let (database, mail, phone) = (
            StoryDatabase::fresh().await,
            MailServer::start().await,
            Telephony::start().await,
        );
        phone.set_fate(Fate::Delivered);
        let settings = Settings::local(&database.url)
            .with("SMTP_URL", &mail.url())
            .with_telephony(&phone);
        Self {
            mail,
            phone,
            site: SwitchableSite::start().await,
            settings,
        }
    }
}
