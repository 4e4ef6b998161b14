// `npm run test:filter -- [FLAGS OF VITEST]`: compares @soci/filter with Python's fnmatch and AWS's own matcher of event patterns.
import { join } from 'node:path';
import { runStep } from '../../scripts/run-step.mjs';
import { ROOT } from '../../scripts/setup.mjs';
import { answers, cached, hasPython } from './get-tools.mjs';
import { runSuite } from './run-suite.mjs';

/** The version is that of conformance/filter/ruler/pom.xml. */
const RULER = 'event-ruler-1.7.3';

await runSuite({
  folder: 'filter',
  tools: [
    {
      name: 'python',
      what: 'Python',
      get: async () => (hasPython() ? 'python3' : undefined),
      remedy: 'Have python3, 3.9 or newer, on PATH.',
    },
    {
      name: 'ruler',
      what: 'event-ruler',
      get: getRuler,
      remedy: 'Have a JDK, 11 or newer, and mvn on PATH, with access to Maven Central.',
    },
  ],
});

/** The class path of the matcher, which Maven gets once; undefined without it, or without a JDK to run it. */
async function getRuler() {
  if (!answers('javac', ['--version'])) return undefined;
  const pom = join(ROOT, 'conformance', 'filter', 'ruler', 'pom.xml');
  const jars = await cached(RULER, (folder) => {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
    return runStep('getting event-ruler', 'mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal]);
  });
  return jars && join(jars, '*');
}
