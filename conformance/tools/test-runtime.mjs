// `npm run test:runtime -- [--all] [VITEST OPTIONS]`: pulls images with containerd and soci-snapshotter, lazily through our
// indexes. `--all` also runs what takes too long for each change.
import { installDebianPackages } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

/** Programs that are not built. packages/test-runtime finds them on PATH, and says which ones are missing. */
const DEBIAN_PROGRAMS = ['docker-registry', 'fusermount3', 'gcc', 'igzip', 'pigz', 'python3', 'runc'];

const PACKAGES = { fusermount3: 'fuse3', igzip: 'isal' };

const all = process.argv.indexOf('--all');
if (all !== -1) process.argv.splice(all, 1);

await runSuite({
  folder: 'runtime',
  prepare: () => installDebianPackages(DEBIAN_PROGRAMS, PACKAGES),
  tools: [],
  env: { RUNTIME_TESTS: all === -1 ? 'some' : 'all' },
});
