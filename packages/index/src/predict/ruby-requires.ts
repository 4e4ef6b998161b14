/** A library that Ruby source code requires. */
export interface RubyRequire {
  readonly name: string;
  /** Whether the name is a path relative to the file. */
  readonly isRelative: boolean;
}

/** Maximum number of libraries that one file requires. */
const MAX_REQUIRES = 2000;

/** Maximum length of a line, in UTF-16 units. The rest of a longer line is ignored. */
const MAX_LINE = 1024;

/**
 * Finds the libraries that load when a file loads: `require` and `require_relative` with a literal at the start of a line,
 * outside of methods. A method ends at the first `end` with the indentation of its `def`. Bounded: one pass over the text.
 */
export function findRubyRequires(source: string): readonly RubyRequire[] {
  const requires: RubyRequire[] = [];
  /** Indentation of the method that the line is in. */
  let method: string | undefined;
  for (const whole of source.split('\n')) {
    const line = whole.slice(0, MAX_LINE);
    if (line === '__END__' || requires.length >= MAX_REQUIRES) break;
    const [, indentation = '', word] = /^([ \t]*)(def|end|require_relative|require)\b/.exec(line) ?? [];
    if (method !== undefined) {
      if (word === 'end' && indentation === method) method = undefined;
    } else if (word === 'def') {
      const isOneLine = /\bend[ \t\r]*$/.test(line) || /^[ \t]*def [\w.?!]+(?:\([^)]*\))? = /.test(line);
      if (!isOneLine) method = indentation;
    } else if (word === 'require' || word === 'require_relative') {
      const [, , name] = /^[ \t]*\w+[ \t]*\(?[ \t]*(["'])([\w./+-]{1,512})\1/.exec(line) ?? [];
      if (name !== undefined) requires.push({ name, isRelative: word === 'require_relative' });
    }
  }
  return requires;
}
