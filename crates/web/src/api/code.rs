//! The problem codes of the API. To add one: a line in the table below; its page under
//! `/docs/errors/{code}` and its place in the OpenAPI description follow from it.

use http::StatusCode;

macro_rules! codes {
    ($($variant:ident $word:literal $status:ident $title:literal $meaning:literal $remedy:literal,)*) => {
        /// What went wrong, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the table says what each means")]
        pub enum Code {
            $($variant,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in `code` and in the address of the page.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)*
                }
            }

            /// A few words for people.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$variant => $remedy,)*
                }
            }

            /// The code that a word stands for.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    MalformedJson "malformed_json" BAD_REQUEST "Broken JSON"
        "The body is empty, is not JSON, or gives a key twice. Nothing was changed."
        "Send one JSON object. The detail says at which line and column the reader stopped.",
    Unauthorized "unauthorized" UNAUTHORIZED "No valid API key"
        "There is no API key in the request, or it does not exist, has run out or was revoked."
        "Send Authorization: Bearer wb_… with a key from Settings, API keys.",
    Forbidden "forbidden" FORBIDDEN "Not allowed with this key"
        "The key is valid, but its scope does not cover this request."
        "Use a key with the scope that the operation names. A key cannot make a wider key than itself.",
    PlanLimit "plan_limit" FORBIDDEN "The plan is full"
        "The account has as many of these as its plan allows. Nothing was made. limit, used, plan and lifted_by give the figures."
        "Delete one that is no longer needed, or move to the plan in lifted_by. Paused monitors count.",
    NotFound "not_found" NOT_FOUND "Not found"
        "There is nothing at this address, or it is not yours. The two are never told apart."
        "Check the id and that the key belongs to the right account. Deleted monitors can be restored for 7 days.",
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "Wrong method"
        "The address exists but does not take this method."
        "Use one of the methods in the Allow header.",
    Conflict "conflict" CONFLICT "Conflict"
        "The request does not fit what is there: a key that is taken, another kind, a repeated Idempotency-Key that is still at work, a contact that is not proven."
        "The detail says what is in the way. Read the object anew and decide.",
    StillFailing "still_failing" CONFLICT "Still failing"
        "The incident cannot be resolved by hand, because the latest looks still fail."
        "Fix the target, or send {\"force\":true}: the monitor then stays quiet until it was up once.",
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED "Changed meanwhile"
        "The If-Match header names a version of the object that is no longer the present one. Nothing was changed."
        "Read the object, apply your change to it and send its new ETag.",
    PayloadTooLarge "payload_too_large" PAYLOAD_TOO_LARGE "Too large"
        "The body is larger than 2 MB. Nothing was changed."
        "Send less. No field of ours needs that much.",
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "Not JSON"
        "The Content-Type of the body is not one that this address takes."
        "Send Content-Type: application/json, or application/merge-patch+json with PATCH.",
    ValidationFailed "validation_failed" UNPROCESSABLE_ENTITY "A field is wrong"
        "The body is JSON, but at least one field is not what it must be. Nothing was changed. Every error names its field by JSON pointer; a query parameter is named ?name."
        "Correct the fields in errors and send the request again.",
    IdempotencyMismatch "idempotency_mismatch" UNPROCESSABLE_ENTITY "Idempotency key used before"
        "This Idempotency-Key was used in the last 24 hours with another body. Nothing was changed."
        "Use a new key for a new request; repeat a request with exactly the same body.",
    RateLimited "rate_limited" TOO_MANY_REQUESTS "Too many requests"
        "The account, or this address without a key, has used up its requests for now."
        "Wait for the seconds in Retry-After. RateLimit-Remaining tells beforehand.",
    Internal "internal" INTERNAL_SERVER_ERROR "Our fault"
        "Something failed on our side. Looks and alerts run separately."
        "Try again; if it stays, write to us with the request_id.",
    Unavailable "unavailable" SERVICE_UNAVAILABLE "Not available right now"
        "The database is away, or no worker answered in time. Looks and alerts run separately."
        "Try again after the seconds in Retry-After.",
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn words_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
        assert_eq!(Code::parse("nothing"), None);
    }
}
