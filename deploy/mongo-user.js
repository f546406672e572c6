// Run once by the mongo image, when its volume is empty: Parley's own user, who may read and write its database alone.
const { readFileSync } = require("fs");

db.getSiblingDB("parley").createUser({
  user: "parley",
  pwd: readFileSync("/run/secrets/mongo_password", "utf8").trim(),
  roles: [{ role: "readWrite", db: "parley" }],
});
