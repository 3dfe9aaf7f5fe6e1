// Comforts of the console. Every page works without them.
"use strict";
