import { posix } from 'node:path';
import { type ElfFile, isElf } from './elf.ts';
import type { FoundFile } from './image-files.ts';
import { addJava } from './java.ts';
import { LibraryFinder } from './libraries.ts';
import { addLocale } from './locale.ts';
import { addNode } from './node.ts';
import { addPhp } from './php.ts';
import type { Origin, Prediction } from './prediction.ts';
import { addPython } from './python.ts';
import { addRuby } from './ruby.ts';
import { splitCommands } from './shell-words.ts';

/** A program with its arguments, as `execve` gets them. */
interface Running {
  /** Path or name that was run. */
  readonly command: string;
  /** Arguments without the program's own name. */
  readonly args: readonly string[];
  readonly origin: Origin;
}

/** How to find the command in the arguments of a program that runs it. */
interface Wrapper {
  /** Options, short or long, whose value is the next argument. */
  readonly valued: readonly string[];
  /** Number of arguments between the options and the command. */
  readonly skipped: number;
}

/** Programs that only run another one. */
const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  catatonit: { valued: [], skipped: 0 },
  chronic: { valued: [], skipped: 0 },
  'docker-init': { valued: ['-p', '-e'], skipped: 0 },
  'dumb-init': { valued: ['-r', '--rewrite'], skipped: 0 },
  env: { valued: ['-u', '--unset', '-C', '--chdir'], skipped: 0 },
  exec: { valued: ['-a'], skipped: 0 },
  gosu: { valued: [], skipped: 1 },
  ionice: { valued: ['-c', '-n', '--class', '--classdata'], skipped: 0 },
  nice: { valued: ['-n', '--adjustment'], skipped: 0 },
  nohup: { valued: [], skipped: 0 },
  setarch: { valued: [], skipped: 0 },
  setpriv: { valued: ['--reuid', '--regid', '--groups', '--inh-caps', '--bounding-set'], skipped: 0 },
  setsid: { valued: [], skipped: 0 },
  stdbuf: { valued: ['-i', '-o', '-e'], skipped: 0 },
  'su-exec': { valued: [], skipped: 1 },
  timeout: { valued: ['-k', '-s', '--kill-after', '--signal'], skipped: 1 },
  tini: { valued: ['-p', '-e'], skipped: 0 },
  'tini-static': { valued: ['-p', '-e'], skipped: 0 },
};

/** Shells that run scripts of sh. */
const SHELLS: ReadonlySet<string> = new Set(['ash', 'bash', 'busybox', 'dash', 'ksh', 'mksh', 'sh', 'zsh']);
/** Commands that shells run themselves, although programs of the same name may exist, and words of their grammar. @see bash(1), dash(1) */
const BUILT_IN: ReadonlySet<string> = new Set(
  ': [ [[ alias bg break cd case continue declare done echo elif else esac eval exit export false fg fi for getopts hash in jobs kill let local printf pwd read readonly return set shift shopt test times trap true type typeset ulimit umask unalias unset wait'.split(
    ' ',
  ),
);
/** Maximum size of a first line with `#!`, in bytes, as in Linux. */
const MAX_SHEBANG = 256;
/** Maximum size of a shell script, in bytes. */
const MAX_SCRIPT = 64 << 10;
/** Maximum number of programs that one script runs. */
const MAX_PROGRAMS = 64;
/** Maximum size of a file that an argument names, in bytes. A larger one is probably data. */
const MAX_ARGUMENT_FILE = 1 << 20;
/** Maximum number of arguments that are considered. */
const MAX_ARGUMENTS = 200;

/** Predicts the programs of a start. */
export class ProgramFinder {
  readonly #prediction: Prediction;
  readonly #libraries: LibraryFinder;

  constructor(prediction: Prediction) {
    this.#prediction = prediction;
    this.#libraries = new LibraryFinder(prediction);
  }

  /** Predicts a command: the program, what interprets it, and what it runs. */
  async run({ command, args, origin }: Running): Promise<void> {
    const path = await this.#locate(command);
    const file = path === undefined ? undefined : await this.#prediction.files.find(path);
    if (path === undefined || file === undefined) return;
    const used = args.slice(0, MAX_ARGUMENTS);
    this.#prediction.visit(`program ${command} ${used.join('\0')}`, file, origin, () =>
      this.#visit(file, path, used, origin),
    );
    // Some programs run subcommands as programs: `jupyter lab` runs `jupyter-lab`.
    const [subcommand = ''] = used;
    if (!/^[a-z][\w-]{0,60}$/.test(subcommand)) return;
    const { depth } = origin;
    await this.run({
      command: `${posix.basename(command)}-${subcommand}`,
      args: used.slice(1),
      origin: { reason: 'program', from: file.path, depth: depth + 1 },
    });
  }

  async #visit(file: FoundFile, path: string, args: readonly string[], origin: Origin): Promise<void> {
    const { files } = this.#prediction;
    const head = await files.read(file, 0, Math.min(file.size, MAX_SHEBANG));
    if (head === undefined) return;
    if (isElf(head)) {
      const elf = await this.#libraries.addElf(file, origin, { isProgram: true });
      if (elf === undefined) this.#prediction.add(file, origin);
      await this.#behave(file, elf, path, args, origin);
      return;
    }
    const script: Origin = { ...origin, reason: 'script' };
    const next: Origin = { reason: 'program', from: file.path, depth: origin.depth + 1 };
    const [line = ''] = Buffer.from(head).toString().split('\n');
    const [, interpreter, option] = /^#![ \t]*(\S+)[ \t]*(.*?)[ \t\r]*$/.exec(line) ?? [];
    if (interpreter !== undefined) {
      this.#prediction.add(file, script);
      await this.run({ command: interpreter, args: [...(option ? [option] : []), path, ...args], origin: next });
    } else if (!head.includes(0)) {
      // Shells run a file that the kernel refuses as a script.
      this.#prediction.add(file, script);
      await this.run({ command: '/bin/sh', args: [path, ...args], origin: next });
    } else this.#prediction.add(file, origin);
  }

  /** Predicts what a known program reads and runs. */
  async #behave(
    file: FoundFile,
    elf: ElfFile | undefined,
    path: string,
    args: readonly string[],
    origin: Origin,
  ): Promise<void> {
    const next: Origin = { reason: 'program', from: file.path, depth: origin.depth + 1 };
    const name = posix.basename(path);
    const realName = posix.basename(file.path);
    const context = { prediction: this.#prediction, libraries: this.#libraries, file, path, args, origin: next };
    const wrapper = WRAPPERS[name];
    await this.#addConfiguration(name, args, next);
    if (wrapper !== undefined) await this.#runWrapped(name, wrapper, args, next);
    else if (SHELLS.has(name) || SHELLS.has(realName))
      await this.#runShell(name === 'busybox' ? args.slice(1) : args, next);
    else if (/^(?:python|pypy)[\d.]*$/.test(realName) || /^python[\d.]*$/.test(name)) await addPython(context);
    else if (/^node(?:js)?$/.test(name) || realName === 'node')
      await addNode({ ...context, run: (each) => this.run(each) });
    else if (name === 'java') await addJava(context);
    else if (elf !== undefined && /^php(?:-fpm|-cgi)?[\d.]*$/.test(realName)) await addPhp(context, elf);
    else if (/^ruby[\d.]*$/.test(realName)) await addRuby({ ...context, run: (each) => this.run(each) });
    if (name === 'bash' || realName === 'bash') await addLocale(this.#prediction, next);
  }

  async #runWrapped(
    name: string,
    { valued, skipped }: Wrapper,
    args: readonly string[],
    origin: Origin,
  ): Promise<void> {
    let at = 0;
    while (at < args.length) {
      const arg = args[at] as string;
      if (arg === '--') {
        at++;
        break;
      }
      if (name === 'env' && /^(?:-S|--split-string=?)/.test(arg)) {
        const text = arg.replace(/^(?:-S|--split-string=?)\s*/, '');
        const rest = [...(text === '' ? [] : text.split(/\s+/)), ...args.slice(at + 1)];
        return this.#runWrapped(name, { valued, skipped }, rest, origin);
      }
      const isAssignment = name === 'env' && /^[A-Za-z_]\w*=/.test(arg);
      if (!arg.startsWith('-') && !isAssignment) break;
      at += valued.includes(arg) ? 2 : 1;
    }
    // `#!/usr/bin/env NAME OPTIONS` passes all words as one argument: systems with env -S split them.
    const [command, ...rest] = args.slice(at + skipped);
    if (command !== undefined && command !== '') await this.run({ command, args: rest, origin });
  }

  /** Predicts what a shell runs: `-c COMMANDS`, or a script with its parameters. */
  async #runShell(args: readonly string[], origin: Origin): Promise<void> {
    let at = 0;
    let isCommand = false;
    for (; at < args.length && /^[-+]./.test(args[at] ?? ''); at++) {
      const arg = args[at] as string;
      if (arg === '--') {
        at++;
        break;
      }
      if (/^-[a-z]*c[a-z]*$/i.test(arg)) isCommand = true;
      if (/^[-+]o$/.test(arg)) at++;
    }
    const [first, ...parameters] = args.slice(at);
    if (first === undefined) return;
    if (isCommand) return this.#runCommands(first, parameters, origin);
    const path = first.includes('/') ? this.#absolute(first) : ((await this.#locate(first)) ?? this.#absolute(first));
    await this.#runScript(path, [first, ...parameters], origin);
  }

  async #runScript(path: string, parameters: readonly string[], origin: Origin): Promise<void> {
    const file = await this.#prediction.files.find(path);
    if (file === undefined) return;
    this.#prediction.add(file, { ...origin, reason: 'script' });
    this.#prediction.visit(`script ${parameters.join('\0')}`, file, origin, async () => {
      const text = await this.#prediction.files.readText(file, MAX_SCRIPT);
      const next: Origin = { reason: 'program', from: file.path, depth: origin.depth + 1 };
      if (text !== undefined && !text.includes('\0')) await this.#runCommands(text, parameters, next);
    });
  }

  async #runCommands(script: string, parameters: readonly string[], origin: Origin): Promise<void> {
    const source = parameters[0];
    const variables = new Map(this.#prediction.environment.variables);
    if (source !== undefined) variables.set('BASH_SOURCE', source);
    for (const [name = '', ...args] of splitCommands(script, variables, parameters)
      .filter(([name = '']) => !BUILT_IN.has(name))
      .slice(0, MAX_PROGRAMS)) {
      if (name === '.' || name === 'source') await this.#runScript(this.#absolute(args[0] ?? ''), args, origin);
      else if (name === 'exec') await this.#runWrapped(name, WRAPPERS['exec'] as Wrapper, args, origin);
      else if (name !== '') await this.run({ command: name, args, origin });
    }
  }

  /** Predicts the configuration of a program, and files that its arguments name. */
  async #addConfiguration(name: string, args: readonly string[], origin: Origin): Promise<void> {
    const configuration: Origin = { ...origin, reason: 'configuration' };
    for (const path of [`/etc/${name}/${name}.conf`, `/etc/${name}.conf`]) {
      await this.#prediction.addPath(path, configuration);
    }
    for (const arg of args) {
      const path = arg.replace(/^--?[\w-]+=/, '');
      const file = await this.#prediction.files.find(this.#absolute(path));
      if (file !== undefined && file.size <= MAX_ARGUMENT_FILE) this.#prediction.add(file, configuration);
    }
  }

  /** Returns the path of a command. @see execvp(3) */
  async #locate(command: string): Promise<string | undefined> {
    if (command.includes('/')) return this.#absolute(command);
    for (const directory of this.#searchPath) {
      const path = posix.resolve(this.#prediction.environment.directory, directory, command);
      if ((await this.#prediction.files.find(path)) !== undefined) return path;
    }
    return undefined;
  }

  get #searchPath(): readonly string[] {
    return (this.#prediction.environment.variables.get('PATH') ?? DEFAULT_PATH).split(':').slice(0, MAX_ARGUMENTS);
  }

  /** Returns an absolute path. `..` stays, because it means the parent of what a link before it leads to. */
  #absolute(path: string): string {
    return path.startsWith('/') ? path : `${this.#prediction.environment.directory}/${path}`;
  }
}

/** Search path of a container without `PATH`. @see containerd v2.2.9, pkg/oci/spec.go */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
