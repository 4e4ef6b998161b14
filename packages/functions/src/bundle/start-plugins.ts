// Plugins of esbuild that keep code out of a cold start (decision 061).
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** Module with replacements for what the functions never use. */
export const UNUSED: string = fileURLToPath(new URL('./unused-modules.js', import.meta.url));

/** Modules of Node.js that most invocations do not use: credential helpers run programs, and one vCPU needs no threads. */
const LAZY = ['child_process', 'worker_threads'];

/**
 * Loads the modules of Node.js without an `import` statement, which evaluates all of their getters. One of `node:http` loads undici:
 * a fifth of the CPU time of a cold start of the generator.
 */
export const BUILTINS: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?[\w/]+$/ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      const isImport = kind === 'import-statement' || kind === 'dynamic-import';
      return isImport && builtinModules.includes(name) ? { path: name, namespace: 'node' } : undefined;
    });
    onLoad({ filter: /^/, namespace: 'node' }, ({ path }) => {
      const module = `process.getBuiltinModule('node:${path}')`;
      if (!LAZY.includes(path)) return { contents: `module.exports = ${module}` };
      const names = Object.keys(process.getBuiltinModule(path) ?? {});
      const getters = names.map((name) => `get ${name}() { return load().${name} }`);
      return { contents: `const load = () => ${module}; module.exports = { ${getters.join(', ')} }` };
    });
  },
};

/**
 * Removes modules that packages import by relative paths, and the functions never use:
 *
 * - Re-exports of `@soci/index`. For esbuild, a file that an entry re-exports is reached from each file that imports the entry, so
 *   that the prediction of profiles would be loaded at start, although it is imported dynamically.
 * - SHA-256 in JavaScript, for browsers.
 */
export const UNUSED_EXPORTS: Plugin = {
  name: 'unused-exports',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/predict\// }, ({ importer }) =>
      /[/\\]index[/\\](?:dist|src)[/\\]index\.[jt]s$/.test(importer) ? { path: UNUSED } : undefined,
    );
    onResolve({ filter: /^\.\/(?:sha256\/)?Sha256Js$/ }, () => ({ path: UNUSED }));
  },
};
