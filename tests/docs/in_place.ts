/** The documents' programs, with those of a test's place in the folders that the documents name. */

import { Place } from "../cli/place.ts";

/** The folders that examples name programs in, but for the image's tini. */
const FOLDERS = /\/usr\/local\/bin\/|\/usr\/bin\/(?=sera\b)|\/app\//g;

/** A place with these commands, each of which writes its name into the file `log`. */
export async function placeWith(...commands: string[]): Promise<Place> {
  const place = await Place.make();
  for (const name of commands) await place.script(`bin/${name}`, `echo ${name} >>'${place.file("log")}'`);
  return place;
}

/** An example, with the place's commands in the place of those that it names. */
export function inPlace(place: Place, text: string): string {
  return text.replaceAll(FOLDERS, `${place.file("bin")}/`);
}

/** Installs an example that is a script as `bin/NAME` of the place. */
export async function installScript(place: Place, name: string, text: string): Promise<string> {
  const path = await place.write(`bin/${name}`, inPlace(place, text));
  await Deno.chmod(path, 0o755);
  return path;
}
