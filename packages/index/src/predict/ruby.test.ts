import { describe, expect, it } from 'vitest';
import { makeElf } from './fixtures/elf-file.ts';
import { type Files, predictFiles } from './fixtures/predict-files.ts';

const LIBRARY = 'usr/local/lib/ruby/3.3.0';
const GEMS = 'usr/local/bundle';

/** A small Ruby, as in the official image. */
const RUBY: Files = {
  'usr/bin/env': makeElf(),
  'usr/local/bin/ruby': makeElf({ needed: ['libruby.so'], runpath: '$ORIGIN/../lib' }),
  'usr/local/lib/libruby.so': makeElf(),
  [`${LIBRARY}/rubygems.rb`]: 'require_relative "rubygems/version"\n',
  [`${LIBRARY}/rubygems/version.rb`]: 'x = 1\n',
  [`${LIBRARY}/x86_64-linux/rbconfig.rb`]: 'x = 1\n',
  [`${LIBRARY}/x86_64-linux/enc/encdb.so`]: makeElf(),
  [`${LIBRARY}/json.rb`]: "require 'json/ext'\n",
  [`${LIBRARY}/json/ext.rb`]: 'x = 1\n',
  [`${LIBRARY}/unused.rb`]: 'x = 1\n',
};
/** What each start of it reads. */
const STARTUP = [
  '/usr/local/bin/ruby',
  '/usr/local/lib/libruby.so',
  ...['rubygems.rb', 'rubygems/version.rb', 'x86_64-linux/enc/encdb.so', 'x86_64-linux/rbconfig.rb'].map(
    (name) => `/${LIBRARY}/${name}`,
  ),
];
const JSON_LIBRARY = [`/${LIBRARY}/json.rb`, `/${LIBRARY}/json/ext.rb`];

/** Predicts what a command in `/app` reads besides the files of each start. */
async function predict(files: Files, ...command: readonly string[]): Promise<readonly string[]> {
  const Env = ['PATH=/usr/local/bundle/bin:/usr/local/bin:/usr/bin', 'GEM_HOME=/usr/local/bundle'];
  const { files: predicted } = await predictFiles({ ...RUBY, ...files }, { Cmd: command, Env, WorkingDir: '/app' });
  return predicted.map(({ path }) => path).filter((path) => !STARTUP.includes(path) && path !== '/usr/bin/env');
}

describe('a Ruby program', () => {
  it('reads the libraries of each start', async () => {
    const { files } = await predictFiles(RUBY, { Cmd: ['ruby', '-e', '1'] });
    expect(files.map(({ path }) => path)).toEqual(STARTUP);
  });

  it('reads those of Debian', async () => {
    const files = {
      'usr/bin/ruby': '-> ruby3.1',
      'usr/bin/ruby3.1': makeElf(),
      'usr/lib/ruby/3.1.0/set.rb': 'x = 1\n',
      'usr/lib/x86_64-linux-gnu/ruby/3.1.0/socket.so': makeElf(),
      'usr/lib/ruby/vendor_ruby/rubygems.rb': 'x = 1\n',
      'usr/share/rubygems-integration/all/gems/rack-2.2.22/lib/rack.rb': 'x = 1\n',
    };
    const { files: predicted } = await predictFiles(files, { Cmd: ['ruby', '-e', 'require "rack"\nrequire "socket"'] });
    expect(predicted.map(({ path }) => path)).toEqual(
      Object.keys(files)
        .filter((path) => !path.endsWith('/ruby') && !path.endsWith('/set.rb'))
        .map((path) => `/${path}`)
        .toSorted(),
    );
  });

  it.each([
    ['a library', 'require "json"', JSON_LIBRARY],
    ['a library with its extension', "require('json.rb')", JSON_LIBRARY],
    ['a file next to it', "require_relative 'near'", ['/app/near.rb']],
    ['a file of the working directory', 'require "./near"', ['/app/near.rb']],
    ['a library in a block', 'begin\n  require "json"\nend', JSON_LIBRARY],
    ['no library in a method', 'def a\n  require "json"\nend\nrequire "./near"', ['/app/near.rb']],
    ['a library after a method of one line', 'def a() = 1\ndef b; end\nrequire "./near"', ['/app/near.rb']],
    ['no library with a computed name', 'require "json#{x}"\nrequire name\n# require "json"', []],
    ['no library after the end', '__END__\nrequire "json"', []],
  ])('reads what it requires: %s', async (_, source, expected) => {
    const files = { 'app/main.rb': source, 'app/near.rb': 'x = 1\n' };
    expect(await predict(files, 'ruby', 'main.rb')).toEqual(['/app/main.rb', ...expected].toSorted());
  });

  it('reads what options require, also from directories that they add', async () => {
    const files = { 'app/lib/own.rb': 'x = 1\n' };
    expect(await predict(files, 'ruby', '-Ilib', '-rown', '-e', '1')).toEqual(['/app/lib/own.rb']);
    expect(await predict(files, 'ruby', '-I', 'lib', '-e', 'require "own"')).toEqual(['/app/lib/own.rb']);
  });

  it('reads gems with their extension modules, through bundle exec, and config.ru of a server', async () => {
    const files = {
      'usr/local/bin/bundle': '#!/usr/bin/env ruby\n',
      [`${GEMS}/bin/puma`]: '#!/usr/bin/env ruby\nrequire "puma"\n',
      [`${GEMS}/gems/puma-6.4.0/lib/puma.rb`]: 'require "puma/puma_http11"\n',
      [`${GEMS}/extensions/x86_64-linux/3.3.0/puma-6.4.0/puma/puma_http11.so`]: makeElf(),
      'app/config.ru': 'require_relative "app"\n',
      'app/app.rb': 'x = 1\n',
    };
    const expected = Object.keys(files).map((path) => `/${path}`);
    expect(await predict(files, 'bundle', 'exec', 'puma', '-p', '80')).toEqual(expected.toSorted());
  });
});
