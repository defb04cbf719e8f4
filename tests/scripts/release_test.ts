// Starts early: it builds packages.

import { ROOT } from "../../scripts/root.ts";
import { run } from "../../scripts/run.ts";
import { testWith, tool } from "../cli/needs.ts";
import { debTests } from "./deb.ts";
import { installTests } from "./install.ts";
import { oddPlacesTests } from "./install_odd_places.ts";
import { useRelease } from "./releases.ts";

// One for both, since a real binary takes some seconds to pack.
const release = useRelease();
installTests(release);
oddPlacesTests(release);
debTests(release);

for (const script of ["install.sh", "deno", "sera", "test"]) {
  testWith([tool("shellcheck", "--version")], `shellcheck has nothing to say of scripts/${script}`, async () => {
    await run("shellcheck", [`${ROOT}/scripts/${script}`]);
  });
}
