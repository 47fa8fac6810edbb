/** A list that is left from anywhere at the same cost. Its members carry the links themselves. */

export interface Linked<Member> {
  previous: Member | undefined;
  next: Member | undefined;
}

export class LinkedList<Member extends Linked<Member>> {
  first: Member | undefined;
  #last: Member | undefined;

  append(member: Member): void {
    member.previous = this.#last;
    member.next = undefined;
    if (this.#last === undefined) this.first = member;
    else this.#last.next = member;
    this.#last = member;
  }

  prepend(member: Member): void {
    member.previous = undefined;
    member.next = this.first;
    if (this.first === undefined) this.#last = member;
    else this.first.previous = member;
    this.first = member;
  }

  /** The caller knows that it is in this list. */
  remove(member: Member): void {
    const { previous, next } = member;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
  }

  members(): Member[] {
    const members: Member[] = [];
    for (let member = this.first; member !== undefined; member = member.next) members.push(member);
    return members;
  }
}
