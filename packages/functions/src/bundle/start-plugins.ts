// Plugins of esbuild that keep code out of a cold start (decision 061).
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** Module with replacements for what the functions never use. */
export const UNUSED: string = fileURLToPath(new URL('./unused-modules.js', import.meta.url));

/** Modules of Node.js that are loaded when they are used: a start uses none of them, and most load several others. */
const LAZY = ['child_process', 'crypto', 'dns', 'https', 'tls', 'v8', 'worker_threads', 'zlib'];

/**
 * Loads the modules of Node.js without an `import` statement, which evaluates all of their getters. One of `node:http` loads undici:
 * a fifth of the CPU time of a cold start of the generator.
 */
export const BUILTINS: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?[\w/]+$/ }, ({ path, kind, importer }) => {
      const name = path.replace(/^node:/, '');
      const isImport = kind === 'import-statement' || kind === 'dynamic-import';
      if (!isImport || !builtinModules.includes(name)) return undefined;
      // Each importer has its own copy, because code that several files share becomes a further file. A dynamic import needs all
      // exports, and must not evaluate their getters.
      const hasCopy = kind === 'import-statement' && !LAZY.includes(name);
      return { path: name, namespace: 'node', ...(hasCopy && { suffix: `?${importer}` }) };
    });
    onLoad({ filter: /^/, namespace: 'node' }, ({ path, suffix }) => {
      const module = `process.getBuiltinModule('node:${path}')`;
      const names = Object.keys(process.getBuiltinModule(path) ?? {});
      if (suffix !== '') {
        // The bundle contains only the exports that are used: without these comments, each could have side effects.
        const exported = names.map((name, i) => `const _${i} = /* @__PURE__ */ (() => module.${name})();`);
        const list = names.map((name, i) => `_${i} as ${name}`);
        const contents = `const module = /* @__PURE__ */ ${module};
          ${exported.join('\n')}
          export { ${list.join()}, module as default };`;
        return { contents };
      }
      if (!LAZY.includes(path)) return { contents: `module.exports = ${module}` };
      return {
        contents: `let loaded;
          for (const name of '${names.join()}'.split(','))
            Object.defineProperty(exports, name, { enumerable: true, get: () => (loaded ??= ${module})[name] });`,
      };
    });
  },
};

/**
 * Removes SHA-256 in JavaScript, for browsers, which `@smithy/core/checksum` imports by a relative path. `sideEffects` must be that
 * of our package.json, because aliases lead to the same file: otherwise the import that esbuild resolves first decides, and two
 * builds can differ.
 */
export const UNUSED_HASHES: Plugin = {
  name: 'unused-hashes',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/(?:sha256\/)?Sha256Js$/ }, () => ({ path: UNUSED, sideEffects: false }));
  },
};

/** An import of names from an own package, and a re-export of names, as the compiler writes them. */
const IMPORT = /^import \{([^}]*)\} from '(@soci\/[^']+)';/gm;
const REEXPORT = /^export \{([^}]*)\} from '(\.[^']+)';/gm;

/**
 * Imports what own packages export from the files that define it. esbuild divides code by files: a file that an entry re-exports
 * is reached from each file that imports the entry, so that code which is imported dynamically would be loaded at start.
 */
export const DIRECT_IMPORTS: Plugin = {
  name: 'direct-imports',
  setup({ onLoad, resolve }) {
    const entries = new Map<string, Promise<ReadonlyMap<string, string>>>();
    const filesOf = async (name: string, resolveDir: string): Promise<ReadonlyMap<string, string>> => {
      const { path } = await resolve(name, { kind: 'import-statement', resolveDir });
      const reexports = [...readFileSync(path, 'utf8').matchAll(REEXPORT)];
      return new Map(
        reexports.flatMap(([, names = '', file = '']) => {
          return namesIn(names).map((exported) => [exported, join(dirname(path), file)] as const);
        }),
      );
    };
    onLoad({ filter: /[/\\]packages[/\\][\w-]+[/\\]dist[/\\].*\.js$/ }, async ({ path }) => {
      const code = readFileSync(path, 'utf8');
      const names = new Set([...code.matchAll(IMPORT)].map(([, , name = '']) => name));
      for (const name of names) if (!entries.has(name)) entries.set(name, filesOf(name, dirname(path)));
      const files = new Map(
        await Promise.all([...names].map(async (name) => [name, await entries.get(name)] as const)),
      );
      const contents = code.replace(IMPORT, (_, imported: string, name: string) =>
        namesIn(imported)
          .map((item) => {
            const file = files.get(name)?.get(item.replace(/ as .*/, ''));
            return `import { ${item} } from ${JSON.stringify(file ?? name)};`;
          })
          .join(' '),
      );
      return { contents, resolveDir: dirname(path) };
    });
  },
};

function namesIn(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
