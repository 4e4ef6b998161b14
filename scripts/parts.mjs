// How the real parts that tests run are got: each set names where its parts come from.

/**
 * A part that tests name, how it is got, and what is to be done where it is not to be had.
 *
 * @typedef {{ name: string, what: string, get: () => Promise<string | undefined>, remedy: string }} Part
 */

/**
 * Gets every part that is not there yet. A test that needs one that is absent is skipped.
 *
 * @param {readonly Part[]} wanted
 * @returns {Promise<{ parts: Record<string, string>, absent: string[] }>} where each is; and of those that are not to be
 * had, what to do
 */
export async function getParts(wanted) {
  const parts = {};
  const absent = [];
  for (const { name, what, get, remedy } of wanted) {
    const path = await get();
    if (path !== undefined) parts[name] = path;
    else absent.push(`${what} is absent. ${remedy}`);
  }
  return { parts, absent };
}
