// Bundles the program and its dependencies into `dist/bundle` for publishing. `npm run build` runs this after the compiler.
// Dynamic imports (each command, the AWS SDK) are separate files, which are loaded when they are used.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatNotices, listBundledPackages } from '@soci/bundle-report';
import { build } from 'esbuild';

/**
 * Reads these modules of Node.js without an `import` statement, which evaluates all of their getters to create its named exports.
 * Those of `node:http` load undici, and those of `node:crypto` Web Crypto (decision 061).
 *
 * @type {import('esbuild').Plugin}
 */
const BUILTINS = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(?:crypto|http)$/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => {
      return { contents: `module.exports = process.getBuiltinModule('${path}')` };
    });
  },
};

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const OUTPUT = fileURLToPath(new URL('../dist/bundle', import.meta.url));

// A temporary name until the bundle is complete.
const unfinished = `${OUTPUT}.part`;
rmSync(unfinished, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: {
    main: fileURLToPath(new URL('../dist/main.js', import.meta.url)),
    // The worker script. `@soci/index` expects it in the same directory as the code that starts the workers.
    'layer-worker': join(dirname(fileURLToPath(import.meta.resolve('@soci/index'))), 'layers', 'layer-worker.js'),
  },
  outdir: unfinished,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.15',
  mainFields: ['module', 'main'],
  // Identifiers are not minified, so that stack traces are readable. Source maps would be larger than the code.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  define: { BUNDLED_VERSION: JSON.stringify(version) },
  plugins: [BUILTINS],
  chunkNames: 'chunk-[hash]',
  metafile: true,
  logLevel: 'error',
});
writeFileSync(join(unfinished, 'THIRD-PARTY-LICENSES.txt'), formatNotices('soci-index', listBundledPackages(metafile)));
rmSync(OUTPUT, { recursive: true, force: true });
renameSync(unfinished, OUTPUT);
