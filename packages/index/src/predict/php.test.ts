import { describe, expect, it } from 'vitest';
import { makeElf } from './fixtures/elf-file.ts';
import { predictPaths } from './fixtures/predict-files.ts';

const ELF = makeElf();

/** PHP whose constants have these paths. */
const phpWith = (...paths: readonly string[]) => {
  const content = `\0${paths.join('\0')}\0`;
  return makeElf({ sections: [{ name: '.rodata', size: content.length, content }] });
};
const PHP = phpWith('/opt/php/conf.d', '/opt/php/modules', '/usr/share/missing');

const FILES = {
  'bin/php8.2': PHP,
  'opt/php/conf.d/10-cache.ini': 'zend_extension=cache.so\nopcache.enable=1\n',
  'opt/php/conf.d/20-text.ini': '; extension=unused\n  extension = "text"\nextension=missing\nextension_dir=x\n',
  'opt/php/conf.d/notes.txt': 'extension=unused',
  'opt/php/modules/cache.so': ELF,
  'opt/php/modules/text.so': makeElf({ needed: ['libtext.so'] }),
  'opt/php/modules/unused.so': ELF,
  'lib/libtext.so': ELF,
};

describe('PHP', () => {
  it('reads the settings in its directories, and the extensions that they load', async () => {
    expect(await predictPaths(FILES, '/bin/php8.2', '-r', '1;')).toEqual([
      '/bin/php8.2',
      '/lib/libtext.so',
      '/opt/php/conf.d/10-cache.ini',
      '/opt/php/conf.d/20-text.ini',
      '/opt/php/modules/cache.so',
      '/opt/php/modules/text.so',
    ]);
  });

  it.each(['php', 'php-fpm', 'php-fpm8.2', 'php83', 'php-cgi'])('is also %s', async (name) => {
    const paths = await predictPaths({ ...FILES, [`bin/${name}`]: PHP }, `/bin/${name}`);
    expect(paths).toContain('/opt/php/modules/text.so');
  });

  it('may name an extension by its path', async () => {
    const files = { ...FILES, 'opt/php/conf.d/20-text.ini': 'extension=/srv/own.so\n', 'srv/own.so': ELF };
    expect(await predictPaths(files, '/bin/php8.2')).toContain('/srv/own.so');
  });

  it.each([
    ['many paths', phpWith(...Array.from({ length: 100_000 }, (_, n) => `/x/${n}`)), 'extension=text'],
    ['a long path', phpWith(`/${'x/'.repeat(500_000)}`), 'extension=text'],
    ['a long line of settings', PHP, `extension=${'text '.repeat(200_000)}`],
    ['many lines of settings', PHP, 'extension=missing\n'.repeat(50_000)],
    ['lines of spaces', PHP, ' '.repeat(1_000_000)],
    ['a link to settings that are their own', PHP, '-> 20-text.ini'],
  ])('may have %s', async (_, php, settings) => {
    const started = performance.now();
    const paths = await predictPaths(
      { ...FILES, 'bin/php8.2': php, 'opt/php/conf.d/20-text.ini': settings },
      '/bin/php8.2',
    );
    expect(paths).toContain('/bin/php8.2');
    // About 0.1 s. Work that grows with the square of the length takes minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
