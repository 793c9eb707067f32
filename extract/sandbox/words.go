package sandbox

// What people are called and what they write: accents, apostrophes, quotes,
// emoji, line breaks, and scripts that run the other way.
var (
	firstNames = []string{"Camille", "Léa", "Noël", "Zoë", "Jean-Luc", "Amélie", "Oliver", "Siobhán", "Björn", "Inès", "Mehdi", "Łukasz", "Chloe", "Aïcha", "Tom"}
	lastNames  = []string{"Martin", "Lefèvre", "O'Brien", "D'Angelo", "Smith", "Müller", "García", "Nguyễn", "Petit", "de la Tour", "Jones", "Åkesson"}

	happyComments = []string{
		"Merci, réponse rapide et claire 👍",
		"Très bon accueil, conseiller à l'écoute.",
		"Parfait !\nMa commande est arrivée le lendemain.",
		"Great help, thank you 😊",
		"Sorted in two minutes, couldn't be better.",
		"Un grand \"bravo\" à l'équipe 👩‍💻",
		"10/10 — would chat again",
	}
	sadComments = []string{
		"Trop d'attente…\n\nEt pas de solution 😡",
		"Le conseiller n'a pas compris ma demande; j'ai dû répéter 3 fois.",
		"I was told \"tomorrow\" – that was a week ago.",
		"Waited 20 min, then the chat closed 🙄",
		"Prix affiché: 49,90 €, prix payé: 59,90 € !",
		"لم أحصل على جواب",
		"No answer\tto my question\\issue",
	}
	plainComments = []string{"ok", "RAS", "-", "Bien", "fine", "Correct, sans plus.", "👍🏽", "C'était l'été dernier: œuvre, naïf, garçon"}

	noteContents = []string{
		"Rappeler demain matin",
		"Client mécontent, geste commercial proposé (10 €)",
		"Left a voicemail.\nWill try again on Monday.",
		"Dossier transmis au SAV ☎️",
		"Asked for an invoice \"with VAT\"",
		"Doublon de l'appel précédent",
	}
	waveBodies = []string{
		"Bonjour, votre commande est prête. À bientôt !",
		"Soldes 🎉 -30% jusqu'à dimanche. STOP au 36111",
		"Reminder: your appointment is tomorrow at 10:30.",
		"Votre facture est disponible:\nhttps://example.com/f",
		"We miss you! Reply YES for a free coffee ☕",
	}
	replyBodies = []string{"OK", "STOP", "Merci 🙏", "Oui", "YES", "Who is this?", "C'est pour quelle \"commande\" ?"}
	waveNames   = []string{"Relance panier", "Soldes d'été", "Rappel RDV", "Click & Collect", "Win-back", "Facture dispo", "Enquête \"NPS\""}
	listNames   = []string{"clients-actifs", "vip", "newsletter", "paris", "inactive-90d", "été"}
	tagNames    = []string{"livraison", "retour", "paiement", "produit", "vip", "réclamation", "stock", "promo", "SAV", "B2B"}
)
