// Every page loads this one module; the others are found through it.
import "./base.js";
import "./keys.js";
import "./live.js";
import "./outbox.js";
