import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { MAVEN_OPTS, writeLanguagePackages } from '../../../scripts/jsii/language-packages.ts';
import { ASSETS, hasAssets } from '../../../scripts/release/assets.ts';
import { packPackage } from '../../../scripts/release/pack.ts';
import { capture, run } from '../../../scripts/release/steps.ts';
import { readTarball } from '../../../scripts/release/tarball.ts';
import { findTool, toolPath } from '../../tools/tools.ts';

/** The construct, packed for all languages, and apps that use it. */
export class CdkApps {
  /** Folder with the packages: `python`, `java` and `go`. */
  readonly packages: string;
  readonly version: string;
  /** Environment of the apps: their Node is that of the tests. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(packages: string, version: string) {
    this.packages = packages;
    this.version = version;
    const python = join(findTool('pythonCdk') ?? '', 'bin');
    // The pip of a cached environment has another path in its first line.
    const bin = join(packages, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'pip'), '#!/bin/sh\nexec python -m pip "$@"\n', { mode: 0o755 });
    this.env = {
      PATH: [bin, python, dirname(process.execPath), process.env.PATH].join(delimiter),
      PIP_FIND_LINKS: join(packages, 'python'),
      MAVEN_OPTS,
    };
  }

  /**
   * Gets the packages of the construct into `folder`: those of a release of HEAD if one was written (`npm run release -- --dry-run`),
   * or new ones. Installs the npm package there.
   */
  static async pack(folder: string): Promise<CdkApps> {
    const tarball = (await hasAssets()) ? copyRelease(folder) : await packAll(folder);
    const modules = join(folder, 'node_modules');
    for (const { name, content } of readTarball(readFileSync(tarball))) {
      const path = join(modules, '@soci', 'construct', name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    for (const peer of ['aws-cdk-lib', 'constructs']) {
      symlinkSync(join(toolPath('nodeCdk'), 'node_modules', peer), join(modules, peer));
    }
    return new CdkApps(folder, (/-(\d[^/]*)\.tgz$/.exec(tarball) as RegExpExecArray)[1]);
  }

  /** Synthesizes a JavaScript app with the npm package. Returns the template. */
  async synthesizeScript(name: string, source: string): Promise<string> {
    const app = join(this.packages, name);
    mkdirSync(app);
    writeFileSync(join(app, 'app.mjs'), source);
    return this.synthesize(app, process.execPath, 'app.mjs');
  }

  /** Copies an example. Returns the folder of the copy. */
  copyExample(name: string, copy: string): string {
    const app = join(this.packages, copy);
    cpSync(join(import.meta.dirname, '..', '..', '..', 'examples', name), app, { recursive: true });
    return app;
  }

  /** Runs an app. Returns its only template. */
  async synthesize(app: string, command: string, ...args: readonly string[]): Promise<string> {
    await run(command, args, { cwd: app, env: { ...this.env, CDK_OUTDIR: 'cdk.out' } });
    return readTemplate(app);
  }

  /** Runs a program in an app. Returns all that it prints, and its exit code. */
  async print(
    app: string,
    command: string,
    ...args: readonly string[]
  ): Promise<{ code: number | null; text: string }> {
    const { code, stdout, stderr } = await capture(command, args, { cwd: app, env: this.env });
    return { code, text: stdout + stderr };
  }
}

/** Packs the construct for all languages. Returns the path of the npm package. */
async function packAll(folder: string): Promise<string> {
  const tarball = packPackage('@soci/construct', folder);
  await writeLanguagePackages(tarball, folder);
  return tarball;
}

/** Copies what {@link packAll} writes from the assets of a release. */
function copyRelease(folder: string): string {
  for (const language of ['python', 'java', 'go']) {
    cpSync(join(ASSETS, language), join(folder, language), { recursive: true });
  }
  const name = readdirSync(ASSETS).find((file) => /^soci-construct-.*\.tgz$/.test(file)) as string;
  copyFileSync(join(ASSETS, name), join(folder, name));
  return join(folder, name);
}

/** Returns the template in `cdk.out`. */
export function readTemplate(app: string): string {
  const [name, ...others] = readdirSync(join(app, 'cdk.out')).filter((file) => file.endsWith('.template.json'));
  if (name === undefined || others.length > 0) throw new Error(`${app} has not exactly one template`);
  return readFileSync(join(app, 'cdk.out', name), 'utf8');
}
