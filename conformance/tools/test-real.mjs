// `npm run test:real -- [VITEST OPTIONS]`: installs real registries and other registry tools, and tests our client and
// command line with them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWithGo, findOnPath, installDebianPackages } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

/** Programs from Debian packages. */
const DEBIAN_PROGRAMS = ['docker-registry', 'skopeo', 'openssl'];

/** @type {readonly { name: string, module?: string, version?: string, sources?: string }[]} */
const GO_PROGRAMS = [
  { name: 'crane', module: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' },
  { name: 'oras', module: 'oras.land/oras/cmd/oras', version: 'v1.3.6' },
  { name: 'referrers-registry', sources: 'conformance/registries/referrers-registry' },
  // Last, because it takes minutes.
  { name: 'registry', module: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.1.2' },
];

const NEEDS_GO = 'Go 1.26 or newer (https://go.dev/dl)';

/** Number of lines of a registry log that are printed after a failure. */
const SHOWN_LINES = 30;

await runSuite({
  folder: 'registries',
  prepare: () => installDebianPackages(DEBIAN_PROGRAMS),
  tools: [
    ...DEBIAN_PROGRAMS.map((name) => ({
      name,
      what: name,
      get: async () => findOnPath(name),
      remedy: `Debian: apt-get install ${name}, as root. Elsewhere: install it on PATH.`,
    })),
    ...GO_PROGRAMS.map((program) => ({
      name: program.name,
      what: program.name,
      get: () => buildWithGo(program),
      remedy: program.sources
        ? `Install ${NEEDS_GO}, which builds ${program.sources}. Its modules must be reachable.`
        : `Install ${NEEDS_GO}, which runs: go install ${program.module}@${program.version}.`,
    })),
  ],
  afterFailure: showLogs,
});

function showLogs(reports) {
  const folder = join(reports, 'logs');
  for (const name of readdirSync(folder)) {
    const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
    console.log([`${join(folder, name)} ends with:`, ...lines.slice(-SHOWN_LINES)].join('\n  '));
  }
}
