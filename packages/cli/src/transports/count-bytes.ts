import type { Delivery } from './transport.ts';

/** The same content; tells of what is read from it. */
export function countBytes({ content, onBytes }: Pick<Delivery, 'content' | 'onBytes'>): Delivery['content'] {
  return {
    exists: (target, options) => content.exists(target, options),
    async *fetch(target, options) {
      for await (const chunk of content.fetch(target, options)) {
        onBytes(chunk.length, target);
        yield chunk;
      }
    },
  };
}
