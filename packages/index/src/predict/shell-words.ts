/** Maximum length of a script that is split into commands, in UTF-16 units. */
const MAX_SCRIPT = 64 << 10;
/** Maximum number of commands of a script. */
const MAX_COMMANDS = 1000;
/** Maximum number of words of a command. */
const MAX_WORDS = 200;

/** Words before a command that do not change what it is. */
const RESERVED: ReadonlySet<string> = new Set([
  'if',
  'then',
  'else',
  'elif',
  'while',
  'until',
  'do',
  '!',
  '{',
  '(',
  'time',
]);

/** Maximum number of variables. */
const MAX_VARIABLES = 2000;
/** Maximum length of the value that a script assigns to a variable. */
const MAX_VALUE = 4096;
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
/** Maximum number of calls of functions in a script. */
const MAX_CALLS = 100;

/**
 * Splits a script of sh into simple commands: words without quotes, with variables replaced, also those that the script
 * assigns. Redirections, assignments and reserved words are removed. Here-documents and command substitutions are left out. A call of a function of the script is
 * replaced by the commands of the function.
 *
 * This is not a shell: it finds what a start certainly or probably runs. A word with something that is only known at run time
 * is empty.
 *
 * @param variables - Values of variables, by name.
 * @param parameters - Positional parameters: `$0`, `$1`, ...
 * @see POSIX.1-2017, Shell Command Language, 2.2 to 2.9
 */
export function splitCommands(
  script: string,
  variables: ReadonlyMap<string, string>,
  parameters: readonly string[],
): readonly (readonly string[])[] {
  const commandsOf = (setsParameters: boolean): string[][] => {
    const commands: string[][] = [];
    const state = { commands, functions: new Map(), variables: new Map(variables), calls: 0, setsParameters };
    addCommands(script.slice(0, MAX_SCRIPT), parameters, state);
    return commands;
  };
  const found = commandsOf(false);
  if (!/\bset[ \t]+--[ \t]/.test(script)) return found;
  // An entry point often runs `set -- server "$@"` under a condition, and then `exec "$@"`: both commands are possible.
  const known = new Set(found.map((words) => words.join('\0')));
  return [...found, ...commandsOf(true).filter((words) => !known.has(words.join('\0')))];
}

/** What was found in a script so far. */
interface ScriptState {
  readonly commands: string[][];
  /** Bodies of functions. */
  readonly functions: Map<string, string>;
  readonly variables: Map<string, string>;
  /** Number of calls of functions. */
  calls: number;
  /** Whether `set --` and `shift` change the parameters. */
  readonly setsParameters: boolean;
}

function addCommands(script: string, parameters: readonly string[], state: ScriptState): void {
  const { commands, functions, variables } = state;
  let current = parameters;
  const text = script.replaceAll('\\\n', '');
  let words: string[] = [];
  let word: string | undefined;
  let skipsNext = false;
  const documents: string[] = [];
  let at = 0;

  const endWord = () => {
    if (word === undefined) return;
    if (skipsNext) skipsNext = false;
    else if (words.length < MAX_WORDS) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    const isExport = words[0] === 'export' || words[0] === 'readonly';
    const assigned = isExport ? words.slice(1) : words;
    if (assigned.every((each) => ASSIGNMENT.test(each))) for (const each of assigned) assign(each, variables);
    while (words.length > 0 && (RESERVED.has(words[0] ?? '') || ASSIGNMENT.test(words[0] ?? ''))) words.shift();
    const [name = '', ...args] = words;
    const body = functions.get(name);
    words = [];
    if (body !== undefined) {
      if (state.calls++ < MAX_CALLS) addCommands(body, [parameters[0] ?? '', ...args], state);
    } else if (state.setsParameters && name === 'set' && args[0] === '--') {
      current = [parameters[0] ?? '', ...args.slice(1)];
    } else if (state.setsParameters && name === 'shift') {
      current = [parameters[0] ?? '', ...current.slice(1 + (Number(args[0]) || 1))];
    } else if (name !== '' || args.length > 0) commands.push([name, ...args]);
  };
  /** Appends the value of the expansion that starts at the `$` before `at`. */
  const expand = (isQuoted: boolean) => {
    const rest = text.slice(at, at + 256);
    const all = /^(?:@|\*|\{@\}|\{\*\})/.exec(rest);
    if (all !== null) {
      at += all[0].length;
      const values = current.slice(1);
      for (const value of values.slice(0, -1)) {
        word = (word ?? '') + value;
        endWord();
      }
      if (values.length > 0) word = (word ?? '') + (values.at(-1) ?? '');
      else if (word === '') word = undefined;
      return;
    }
    const named = /^(?:(\w+)|\{(\w+)(?::?[-=]([^}]*))?\})/.exec(rest);
    if (named !== null) {
      at += named[0].length;
      const name = named[1] ?? named[2] ?? '';
      const value = /^\d+$/.test(name) ? current[Number(name)] : variables.get(name);
      const known = value ?? named[3]?.replaceAll(/["']/g, '');
      if (isQuoted || known === undefined) word = (word ?? '') + (known ?? '');
      else {
        const [first = '', ...more] = known.split(/\s+/);
        word = (word ?? '') + first;
        for (const each of more) {
          endWord();
          word = each;
        }
      }
      return;
    }
    word ??= '';
    if (text[at] === '(' || text[at] === '{') at = skipNested(text, at);
  };

  while (at < text.length && commands.length < MAX_COMMANDS) {
    const character = text[at++] as string;
    if (character === "'") {
      const end = text.indexOf("'", at);
      word = (word ?? '') + text.slice(at, end < 0 ? undefined : end);
      at = end < 0 ? text.length : end + 1;
    } else if (character === '"') {
      word ??= '';
      while (at < text.length && text[at] !== '"') {
        const inner = text[at++] as string;
        if (inner === '\\') word = (word ?? '') + (text[at++] ?? '');
        else if (inner === '$') expand(true);
        else if (inner === '`') at = skipUntil(text, at, '`');
        else word = (word ?? '') + inner;
      }
      at++;
    } else if (character === '\\') word = (word ?? '') + (text[at++] ?? '');
    else if (character === '$') expand(false);
    else if (character === '`') {
      word ??= '';
      at = skipUntil(text, at, '`');
    } else if (character === '#' && word === undefined) at = skipUntil(text, at, '\n') - 1;
    else if (character === ' ' || character === '\t') endWord();
    else if (character === '\n') {
      endCommand();
      for (const delimiter of documents.splice(0)) at = skipDocument(text, at, delimiter);
    } else if (character === '<' || character === '>') {
      if (word !== undefined && /^\d$/.test(word)) word = undefined;
      endWord();
      const operator = /^(?:<-?|>|&|\|)*/.exec(text.slice(at, at + 3))?.[0] ?? '';
      at += operator.length;
      if (character === '<' && operator.startsWith('<')) {
        const [matched, delimiter = ''] = /^[ \t]*(["'\\]?\w*["']?)/.exec(text.slice(at, at + 128)) ?? [''];
        at += matched.length;
        documents.push(delimiter.replaceAll(/["'\\]/g, ''));
      } else skipsNext = true;
    } else if (character === '(' && word !== undefined && words.length === 0 && /^\s*\)/.test(text.slice(at, at + 8))) {
      // A function: its body runs only if it is called.
      const body = /^\s*\)\s*\{/.exec(text.slice(at, at + 64));
      if (body !== null) {
        const start = at + body[0].length;
        at = skipNested(text, start - 1);
        functions.set(word, text.slice(start, at - 1));
      }
      word = undefined;
    } else if (character === ';' || character === '&' || character === '|' || character === '(' || character === ')') {
      endCommand();
    } else word = (word ?? '') + character;
  }
  endCommand();
}

/** Sets a variable. A value that is only known at run time keeps a value of the image. */
function assign(assignment: string, variables: Map<string, string>): void {
  const at = assignment.indexOf('=');
  const value = assignment.slice(at + 1, at + 1 + MAX_VALUE);
  if (value !== '' && variables.size < MAX_VARIABLES) variables.set(assignment.slice(0, at), value);
}

/** Returns the position after the bracket that closes the one at `start`. Quotes are not brackets. */
function skipNested(text: string, start: number): number {
  const open = text[start] as string;
  const close = open === '(' ? ')' : '}';
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === "'" && open === '(') at = skipUntil(text, at + 1, "'") - 1;
    else if (character === open) depth++;
    else if (character === close && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Returns the position after the next `end`. */
function skipUntil(text: string, start: number, end: string): number {
  const found = text.indexOf(end, start);
  return found < 0 ? text.length + 1 : found + 1;
}

/** Returns the position after a here-document. */
function skipDocument(text: string, start: number, delimiter: string): number {
  let at = start;
  while (at < text.length) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? undefined : end);
    at = end < 0 ? text.length : end + 1;
    if (line.trim() === delimiter) break;
  }
  return at;
}
