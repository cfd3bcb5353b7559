/** As many warnings of one kind of reading are passed on; a hostile tar could have millions. */
const mostWarnings = 100;

/** `tell`, until it has been called often enough; then it is told once that there is more. */
export function limitWarnings(tell: (text: string) => void): (text: string) => void {
  let told = 0;
  return (text) => {
    told++;
    if (told <= mostWarnings) tell(text);
    else if (told === mostWarnings + 1) tell("more warnings of this kind are left out");
  };
}
