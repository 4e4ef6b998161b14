import { type Descriptor, type Fetcher, readVerified } from '@soci/oci';
import type { InspectOptions } from '../inspect/inspect-image.ts';
import { resolveLimits } from '../options.ts';

/** What an image configuration says about the start of a container. @see OCI image-spec v1.1, config.md, `config` */
export interface StartConfig {
  /** First words of the command. */
  readonly Entrypoint?: readonly string[];
  /** Further words of the command. */
  readonly Cmd?: readonly string[];
  /** Environment variables: `NAME=VALUE`. */
  readonly Env?: readonly string[];
  /** Working directory. @default / */
  readonly WorkingDir?: string;
}

/**
 * Reads what an image configuration says about the start of a container. Fields of another type, and content that is not
 * JSON, are left out: the runtime refuses such images.
 *
 * @param config - Descriptor of the image configuration.
 * @throws Errors of `store`; the abort reason of `options.signal`.
 */
export async function readStartConfig(
  store: Fetcher,
  config: Descriptor,
  { limits, signal }: InspectOptions = {},
): Promise<StartConfig> {
  const { maxDocumentSize } = resolveLimits(limits);
  const bytes = await readVerified(store, config, { maxSize: maxDocumentSize, ...(signal && { signal }) });
  return parseStartConfig(new TextDecoder().decode(bytes));
}

function parseStartConfig(text: string): StartConfig {
  const fields = fieldsOf(fieldsOf(parseJson(text))['config']);
  const words = (name: 'Cmd' | 'Entrypoint' | 'Env') => {
    const value = fields[name];
    const isList = Array.isArray(value) && value.every((word) => typeof word === 'string');
    return isList ? { [name]: value as readonly string[] } : {};
  };
  const directory = fields['WorkingDir'];
  return {
    ...words('Entrypoint'),
    ...words('Cmd'),
    ...words('Env'),
    ...(typeof directory === 'string' && { WorkingDir: directory }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
