"""Words that say what is beside them in a message: identifiers, ids and names of people."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


#: Before an identifier in quotes that is part of the cause.
IDENTIFIER_NOUNS = words(
    "key keys column columns method attribute class table module argument property properties field function variable "
    "parameter param option relation relationship constraint index reading setting named type interface trait schema "
    "database extension package command template view route header offset keyword operator service enum permission "
    "scope role feature plugin component directive filter macro symbol fixture task queue stage spalte tabelle feld "
    "klasse methode colonne champ classe méthode columna campo tabla clave clase método coluna tabela"
)
#: Before the name of something that is an id as a whole if it has a digit in it.
ID_NOUNS = words(
    "topic queue tube bucket host hostname node pod container instance server shard replica partition broker lookup "
    "stream channel tenant device cluster volume worker consumer producer session transaction file batch coupon sku "
    "invoice order job ticket booking parcel shipment voucher serial account subscription reference ref message "
    "release topics queues hosts nodes pods servers shards orders invoices bestellung rechnung commande facture "
    "pedido factura ordine fattura"
)
#: Between such a noun, or a word for a code, and what it is of.
LINKS = words("id no nr number named name called key # : = is was code status with a an uuid n° nº núm")
#: Before the number or the short name of an error.
CODE_WORDS = words(
    "code status errno sqlstate sqlcode signal exit exited http https rc err error statuscode httpstatus fehler "
    "erreur código codice fehlercode responded replied returned answered"
)
#: Such words that say it only without a colon: "error: 3 rows" has no code.
BARE_CODE_WORDS = words("error err fehler erreur returned")
#: Before the number of a status in parentheses.
STATUS_WORDS = words(
    "error found forbidden unauthorized request timeout unavailable gateway entity conflict gone allowed requests "
    "large implemented required acceptable failed denied content supported"
)
#: Before the name of a person.
PERSON_NOUNS = words(
    "customer user client patient employee member recipient subscriber guest student teacher driver passenger contact "
    "author owner assignee reviewer approver buyer seller holder cardholder attendee applicant candidate person "
    "cliente utilisateur utilisatrice destinataire usuario usuaria paciente utente klant gebruiker klient użytkownik "
    "kund användare bruker kunden покупатель пользователь клиент"
)
#: In front of a name.
TITLES = words(
    "mr mrs ms miss dr prof herr frau monsieur madame mme señor señora sr sra signor signora kunde kundin nutzer "
    "benutzer mitarbeiter empfänger patientin"
)
#: Within the name of a person.
PARTICLES = words("de del della di da dos van von der den la le bin ibn al el y zu ter")
#: Capitalized words that are no names, also behind such a noun.
NO_NAMES = words(
    "Not No Error Errors Exception Failed Failure Invalid Unknown Missing Denied Access Account Address Already Api "
    "API Authentication Authorization Bad Balance Blocked Cannot Card Code Connection Could Created Credentials Data "
    "Does Database Deleted Disabled Duplicate Email Exists Expired Exceeded Forbidden Found From Gateway Group Has "
    "Have Id ID Inactive Input Insufficient Internal Is Key Limit Locked Lookup Login Message Must Name Number Object "
    "Order Password Pending Permission Permissions Phone Plan Profile Quota Record Reference Rejected Request "
    "Required Response Role Server Service Session Status Subscription Suspended Timeout Token Type Unauthorized "
    "Unavailable Update Was Were Agent Pool Module Model Controller Manager Repository Provider Interface Store Cache "
    "Directory Certificate Secret Tier Time Data Defined Function Class Method Property Can Cancelled Closed "
    "Disconnected Removed"
)
#: First names that are nothing else in messages: no Grace (period), Max (retries), Ruby or Mark.
FIRST_NAMES = words(
    "Aaron Abdul Abdullah Abigail Adam Adriana Adrian Agnieszka Ahmed Aisha Akira Alan Albert Alberto Alejandro "
    "Alejandra Aleksandr Alessandro Alexander Alexandra Alexandre Alexei Alfonso Alfred Ali Alice Alicia Alina Alison "
    "Álvaro Amanda Amélie Amina Amit Amy Ana Anastasia Anders Andrea Andreas Andrei André Andrés Andrew Andrzej "
    "Angela Angelika Anil Anita Anja Anjali Ann Anna Anne Anneliese Annika Antoine Anton Antonia Antonio António "
    "Aoife Arjun Arthur Arturo Asha Astrid Audrey Axel Ayşe Barbara Bartosz Beata Beatrice Beatriz Benjamin Benoît "
    "Bernd Bernadette Bernard Bianca Birgit Bjørn Björn Bogdan Boris Brenda Brian Bridget Brigitte Bruno Camila "
    "Camille Carla Carlo Carlos Carmen Carolina Caroline Catarina Catherine Cecilia Céline Charles Charlotte Chiara "
    "Chloé Christian Christina Christine Christoph Christophe Christopher Ciara Claire Clara Claude Claudia Clément "
    "Colin Cristina Cynthia Daan Damian Daniel Daniela Danielle Dariusz Darren David Deborah Deepak Denis Derek Diana "
    "Diego Dieter Dimitri Dirk Dmitri Dmitry Dominik Dominique Donald Donna Dorothea Dorothy Douglas Eduardo Edward "
    "Eileen Elena Eleni Elif Elisabeth Elise Elizabeth Ella Ellen Elsa Emil Emilia Emilie Emily Emma Emmanuel Enrique "
    "Eric Erica Erik Erika Ernst Esther Eugene Eva Evelyn Ewa Fabian Fatima Fatma Federico Felipe Felix Fernanda "
    "Fernando Filip Fiona Florence Florian Frances Francesca Francesco Francisco François Françoise Franz Fredrik "
    "Friedrich Gabriel Gabriela Gareth Gary Geoffrey George Georgios Gerald Gerard Gerhard Giorgio Giovanni Giulia "
    "Giuseppe Gonzalo Gordon Graham Greg Gregory Greta Guillaume Guillermo Gustav Gustavo Hannah Hanna Hannes Hans "
    "Harald Haruto Harry Hassan Heather Heidi Heinrich Helen Helena Helga Hélène Henri Henrik Henry Hiroshi Holger "
    "Hugo Hussein Ian Ibrahim Ignacio Igor Ines Inês Inès Ingrid Ioana Irene Irina Isabel Isabella Isabelle Ivan "
    "Ivana Jack Jacob Jacqueline Jacques Jaime Jakob Jakub James Jan Jana Jane Janet Janusz Jason Javier Jean Jeffrey "
    "Jennifer Jens Jeremy Jerzy Jessica Jesús Joan Joana Joanna João Joaquín Johan Johann Johanna Johannes John Jonas "
    "Jonathan Jörg Jorge José Josef Joseph Joshua Juan Juana Jörgen Juliana Julia Julian Julie Julien Jürgen Justin "
    "Justyna Kai Kamil Karen Karin Karl Karolina Katarzyna Katharina Katherine Kathleen Katja Katrin Kenji Kenneth "
    "Kevin Khalid Kim Klaus Konstantin Kristina Krzysztof Kumar Kurt Lars Laura Lauren Laurent Lea Leandro Lena Leon "
    "Leonardo Leonie Liam Lily Linda Lisa Lorenzo Louis Louise Luca Lucas Lucia Lucía Luigi Luis Luisa Lukas Łukasz "
    "Maciej Magdalena Małgorzata Manuel Manuela Marc Marcel Marcela Marcin Marco Marcos Marcus Margaret Margarita "
    "Maria María Marie Marion Mario Marlene Marta Martha Martin Martina Mateusz Mateo Mathias Mathilde Matteo Matthew "
    "Matthias Maurice Mehmet Mei Melanie Melissa Michael Michaela Michał Michel Michele Michelle Miguel Mikael Milan "
    "Minh Mohamed Mohammad Mohammed Monica Monika Moritz Muhammad Mustafa Nadia Nancy Natalia Natalie Natasha "
    "Nathalie Nathan Nguyen Nicholas Nicola Nicolas Nicole Niels Niklas Nikolai Nina Noah Noemi Noor Nora Norbert "
    "Olaf Oleg Olena Olga Oliver Olivia Olivier Omar Oscar Oskar Otto Pablo Paola Paolo Patricia Patrick Patrik Paul "
    "Paula Pauline Paulina Pavel Paweł Pedro Peter Petra Philip Philipp Philippe Pierre Pilar Piotr Priya Rachel "
    "Rafael Raj Rajesh Ralf Ralph Ramona Raquel Ravi Raymond Rebecca Reinhard Renata Renate René Ricardo Richard Rita "
    "Robert Roberta Roberto Rodrigo Roger Roland Roman Ronald Rosa Rosemary Roxana Rudolf Ruth Ryan Sabine Sabrina "
    "Sally Salvatore Samantha Samir Samuel Sandra Sanjay Sara Sarah Sebastian Sergei Sergey Sergio Seán Shane Sharon "
    "Sheila Shirley Silvia Simon Simona Simone Siobhán Sofia Sofía Sonia Sophia Sophie Stanislav Stefan Stefanie "
    "Stefano Stella Stephan Stephanie Stephen Steven Stéphane Stuart Sunil Suresh Susan Susanne Svetlana Sven Sylvie "
    "Tadeusz Takashi Tamara Tania Tanja Tariq Tatiana Teresa Theodor Theresa Thérèse Thomas Thorsten Tiago Tim "
    "Timothy Tobias Tom Tomas Tomasz Tomás Torsten Ulrich Ulrike Ursula Uwe Valentina Valeria Valerie Vanessa Vera "
    "Verónica Veronika Vicente Vijay Viktor Viktoria Vincent Vincenzo Viola Virginie Vladimir Wei Walter Wendy Werner "
    "Wilhelm William Wojciech Wolfgang Xavier Yasmin Yan Yannick Yara Yuki Yusuf Yves Yvonne Zainab Zhang Zbigniew "
    "Zofia Zoe Zoë Zsófia Zuzana Иван Ольга Анна Мария Сергей Дмитрий Елена"
)
